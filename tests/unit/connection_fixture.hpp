// A driver's connection over a socket pair, with everything around it that a core would give it.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <string_view>
#include <system_error>

#include "servers/driver/connection.hpp"
#include "tests/unit/immediate_waiter.hpp"

namespace corelab::test {

/// One worker and its one connection; one thread.
class ConnectionFixture {
 public:
  explicit ConnectionFixture(const App& app, const Settings& settings = {})
      : app_(app), settings_(settings), connection_(worker_, make_pair(client_), false) {}

  /// Sends `bytes`, lets the driver serve them, and receives into a fixed buffer what it answers.
  std::string_view exchange(std::string_view bytes) {
    if (send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return {};
    connection_.receive();
    needs_ = connection_.advance(waiter_);
    ssize_t n = recv(client_.get(), received_, sizeof received_, MSG_DONTWAIT);
    return {received_, n > 0 ? static_cast<std::size_t>(n) : 0};
  }

  Connection& connection() { return connection_; }
  Connection::Needs needs() const { return needs_; }
  WorkerCounters& counters() { return board_.row(0); }
  AccessLog& access_log() { return access_log_; }

 private:
  static Accepted make_pair(Fd& client) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    client.reset(ends[0]);
    Accepted accepted;
    accepted.outcome = Accepted::Outcome::connection;
    accepted.fd.reset(ends[1]);
    return accepted;
  }

  const App& app_;
  App control_app_;
  SettingsStore settings_;
  ListenerSet listeners_{{}, 1, 1};
  CounterBoard board_{1};
  AccessLog access_log_;
  ServerContext context_{app_, control_app_, 0, settings_, listeners_, board_, 0, 0, access_log_, nullptr};
  SessionPool sessions_{SessionPool::Use::one_thread};
  std::atomic<bool> draining_{false};
  Worker worker_{context_, board_.row(0), sessions_, draining_};
  ImmediateWaiter waiter_;
  Fd client_;
  Connection connection_;
  Connection::Needs needs_ = Connection::Needs::readable;
  char received_[64 * 1024];
};

}  // namespace corelab::test
