// What both pools are: a fixed number of threads behind a queue. They differ in what the queue holds.
#pragma once

#include <atomic>
#include <list>
#include <string>

#include "servers/blocking/blocking_server.hpp"
#include "servers/thread_pool/work_queue.hpp"

namespace corelab {

template <class Work>
class PoolServer : public BlockingServer {
 public:
  void start() override {
    const Settings& settings = context_.settings.current();
    for (unsigned i = 0; i < settings.workers; ++i) {
      workers_.push_back(worker(i));
      threads_.emplace_back(settings.thread_stack, [this, i, &own = workers_.back()] { run(i, own); });
    }
    BlockingServer::start();
  }

 protected:
  explicit PoolServer(const ServerContext& context)
      : BlockingServer(context, nullptr), queue_([this](typename WorkQueue<Work>::State state) { show(state); }) {}

  /// Does one piece of work, on a pool thread, as `own`.
  virtual void serve_work(Work work, Worker& own) = 0;

  void push(Work work) { queue_.push(std::move(work)); }
  unsigned unserved() const { return unserved_; }

  /// Lets the threads finish what is queued, and joins them; for destructors of what serve_work() is a member of.
  void end_threads() {
    queue_.close();
    threads_.clear();
  }

 private:
  void run(unsigned index, Worker& own) {
    if (context_.trace) context_.trace->name_thread("pool thread " + std::to_string(index));
    while (std::optional<Work> work = queue_.pop()) serve_work(std::move(*work), own);
    if (context_.trace) context_.trace->flush_thread();
  }

  void show(typename WorkQueue<Work>::State state) {
    context_.counters.row(context_.first_row).queue_depth.store(static_cast<std::int64_t>(state.depth),
                                                                std::memory_order_relaxed);
    unserved_ = static_cast<unsigned>(state.unserved);
    others_wait_ = yields() && waiting() > 0;
  }

  // worker_connections is what each thread may have: one in hand, the others waiting.
  unsigned cap() const final {
    const Settings& settings = context_.settings.current();
    return settings.workers * settings.worker_connections;
  }

  std::atomic<unsigned> unserved_{0};
  WorkQueue<Work> queue_;
  std::list<Worker> workers_;
  std::list<Thread> threads_;
};

}  // namespace corelab
