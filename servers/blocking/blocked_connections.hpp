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

  /// Around waiting for the client's next request. leave_idle() is true if another thread has ended the wait: the
  /// connection's reading side is shut, and what was queued can still be read.
  void enter_idle();
  bool leave_idle() { return state_.exchange(State::busy, std::memory_order_acq_rel) == State::woken; }

 private:
  friend class BlockedConnections;
  enum class State { busy, idle, woken };

  BlockedConnections& all_;
  const int fd_;
  std::atomic<State> state_{State::busy};
  std::atomic<Clock::rep> idle_since_{0};
  BlockedConnection* previous_ = nullptr;
  BlockedConnection* next_ = nullptr;
};

/// Any thread. A descriptor stays open as long as its connection is in the list.
class BlockedConnections {
 public:
  /// Ends the wait of up to `most` connections that have been idle for `at_least`.
  void wake_idle(std::size_t most, Clock::duration at_least);
  /// Ends every connection, in both directions: reads end, writes fail, waits are cancelled.
  void cut_all();

 private:
  friend class BlockedConnection;
  std::mutex mutex_;
  BlockedConnection* first_ = nullptr;
};

}  // namespace corelab
