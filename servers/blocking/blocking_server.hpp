// What the blocking cores share: a reception, and a way to serve a connection on the thread that calls. A core adds
// which thread that is.
#pragma once

#include <atomic>
#include <optional>

#include "servers/blocking/blocked_connections.hpp"
#include "servers/blocking/reception.hpp"
#include "servers/blocking/thread.hpp"
#include "servers/driver/connection.hpp"
#include "servers/server.hpp"

namespace corelab {

class BlockingServer : public Server, private Reception::Core {
 public:
  void start() override;
  void drain() override { draining_ = true; }
  void stop_accepting() override { reception_.stop_accepting(); }
  bool accepting() const override { return reception_.is_accepting(); }
  void yield_idle() override { blocked_.wake_idle(1); }
  void shed() override { sessions_.shed(); }
  void close_idle() override;
  void stop() override;
  bool finished() const override { return is_finished_; }

 protected:
  BlockingServer(const ServerContext& context, std::atomic<std::int64_t>* accepting);

  /// Accepts until everything is over. start() gives it a thread of its own; a core that serves on the thread that accepts
  /// has none for it, and calls it in serve_here().
  void receive();

  /// A connection to serve: take it to a thread (or turn it away). Reception's thread.
  virtual void take(Accepted accepted, bool is_control) = 0;
  // What newcomers who wait for a thread mean to the core (Reception's thread). By default those in its hands are served
  // at once, and when it is at its cap, `yield` makes room for the others.
  unsigned waiting() const override { return 0; }
  void on_waiting(unsigned newcomers) override;
  /// The most connections there may be at once.
  virtual unsigned cap() const override = 0;

  /// On the thread that is to serve it, to its end.
  void serve(Worker& worker, Accepted accepted, bool is_control);
  /// Answers 503 and closes: there is neither thread nor place for it.
  void turn_away(Worker& worker, Accepted accepted, bool is_control);
  bool yields() const { return context_.settings.current().keep_alive_policy == KeepAlivePolicy::yield; }
  /// The two steps of a connection's end, for cores that serve in their own way: its socket's, then, when it is
  /// destroyed, its place's.
  void release(Connection& connection);
  void ended();
  Worker worker(std::size_t row);

  const ServerContext context_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> others_wait_{false};
  BlockedConnections blocked_;

 private:
  void on_connection(Accepted accepted, bool is_control) final;
  unsigned open() const final { return open_; }

  SessionPool sessions_{SessionPool::Use::shared};
  Reception reception_;
  std::atomic<unsigned> open_{0};
  std::atomic<bool> is_finished_{false};
  std::optional<Thread> thread_;
};

}  // namespace corelab
