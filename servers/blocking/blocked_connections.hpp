// Which connections a server's threads are blocked on, so that another thread can wake them.
#pragma once

#include <atomic>
#include <mutex>

#include "common/clock.hpp"

namespace corelab {

class BlockedConnections;

/// A connection in its thread's hands; on that thread's stack.
class BlockedConnection {
 public:
  BlockedConnection(BlockedConnections& all, int fd);
  ~BlockedConnection();
  BlockedConnection(const BlockedConnection&) = delete;

  /// Around waiting for the client's next request, which nobody ends before `spared_until`. leave_idle() is true if
  /// another thread has ended the wait: the connection's reading side is shut, and what was queued can still be read.
  void enter_idle(Clock::time_point spared_until);
  bool leave_idle() { return state_.exchange(State::busy, std::memory_order_acq_rel) == State::woken; }

 private:
  friend class BlockedConnections;
  enum class State { busy, idle, woken };

  BlockedConnections& all_;
  const int fd_;
  std::atomic<State> state_{State::busy};
  std::atomic<Clock::rep> spared_until_{0};
  BlockedConnection* previous_ = nullptr;
  BlockedConnection* next_ = nullptr;
};

/// Any thread. A descriptor stays open as long as its connection is in the list.
class BlockedConnections {
 public:
  /// Ends the wait of up to `most` idle connections that are not to be spared any longer.
  void wake_idle(std::size_t most);
  /// Ends every connection, in both directions: reads end, writes fail, waits are cancelled.
  void cut_all();

 private:
  friend class BlockedConnection;
  std::mutex mutex_;
  BlockedConnection* first_ = nullptr;
};

}  // namespace corelab
