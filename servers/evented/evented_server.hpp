// A server of loops: one worker or several, each on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "servers/evented/evented_worker.hpp"
#include "servers/server.hpp"

namespace corelab {

class EventedServer final : public Server {
 public:
  using MakeReactor = std::unique_ptr<Reactor> (*)();

  EventedServer(const ServerContext& context, unsigned workers, MakeReactor make_reactor);
  ~EventedServer() override;

  /// One loop runs on the main thread, several on threads of their own.
  void start() override;
  void serve_here() override;
  void drain() override { order(EventedWorker::drain); }
  void stop_accepting() override { order(EventedWorker::stop_accepting); }
  bool accepting() const override;
  void close_idle() override { order(EventedWorker::close_idle); }
  void stop() override { order(EventedWorker::stop); }
  bool finished() const override;

 private:
  void order(unsigned what);

  ServerContext context_;
  std::vector<std::unique_ptr<EventedWorker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace corelab
