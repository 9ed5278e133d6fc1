#include "servers/evented/evented_server.hpp"

#include <algorithm>

namespace corelab {

EventedServer::EventedServer(const ServerContext& context, unsigned workers, MakeReactor make_reactor)
    : context_(context) {
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<EventedWorker>(context_, i, workers == 1, make_reactor()));
  }
}

EventedServer::~EventedServer() {
  for (std::thread& thread : threads_) thread.join();
}

void EventedServer::start() {
  if (workers_.size() == 1) return;
  try {
    for (auto& worker : workers_) threads_.emplace_back([&worker = *worker] { worker.run(); });
  } catch (...) {  // no thread for this one: those that run must end, or nobody could join them
    order(EventedWorker::stop);
    throw;
  }
}

void EventedServer::serve_here() {
  if (workers_.size() == 1) workers_.front()->run();
}

void EventedServer::order(unsigned what) {
  for (auto& worker : workers_) worker->order(what);
}

bool EventedServer::accepting() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->is_accepting(); });
}

bool EventedServer::finished() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->is_finished(); });
}

}  // namespace corelab
