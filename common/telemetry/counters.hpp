// Figures of each worker in memory that forked processes share, so that whoever is asked for /stats knows them all.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace corelab {

/// One worker's row: a process, a reactor, a pool thread; thread-per-connection has one for all. Any thread may read;
/// counts only grow, gauges go both ways. A cache line pair of its own, so that workers do not disturb each other.
struct alignas(128) WorkerCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::int64_t> open{0};         ///< connections
  std::atomic<std::int64_t> queue_depth{0};  ///< connections or requests that wait for a thread
  std::atomic<std::int64_t> loop_lag_us{0};  ///< how late the loop's last tick was

  // For the supervisor of processes; times of CLOCK_MONOTONIC in ms, 0 for none.
  std::atomic<std::int64_t> heartbeat_ms{0};   ///< the process was last seen alive
  std::atomic<std::int64_t> busy_since_ms{0};  ///< its serving thread, or a helper, has been in one request since
  std::atomic<std::int64_t> accepting{0};      ///< it would take a connection now
  std::atomic<bool> is_leaving{false};         ///< it drains, whoever told it to
  std::atomic<pid_t> pid{0};                   ///< 0: the row is free

  static void add(std::atomic<std::uint64_t>& count) { count.fetch_add(1, std::memory_order_relaxed); }
  static void add(std::atomic<std::int64_t>& gauge, std::int64_t n) { gauge.fetch_add(n, std::memory_order_relaxed); }
};

/// The rows, and what the supervisor tells its children. Create it before any fork.
class CounterBoard {
 public:
  explicit CounterBoard(std::size_t rows);
  ~CounterBoard();
  CounterBoard(const CounterBoard&) = delete;

  std::size_t rows() const { return rows_; }
  WorkerCounters& row(std::size_t index) { return shared_->rows[index]; }
  const WorkerCounters& row(std::size_t index) const { return shared_->rows[index]; }

  /// Claims a free row for process `pid`, if there is one; supervisor only.
  std::optional<std::size_t> claim(pid_t pid);
  /// Adds a dead process's counts to retired() and frees its row; supervisor only.
  void retire(std::size_t index);

  /// Counts of processes that are gone; its gauges are zero.
  WorkerCounters& retired() { return shared_->retired; }
  const WorkerCounters& retired() const { return shared_->retired; }

  /// Connections wait that no worker is free to accept: blocking workers give up idle keep-alives (`yield`).
  std::atomic<bool>& others_wait() { return shared_->others_wait; }
  /// The whole server drains, and not only one generation of workers.
  std::atomic<bool>& closing() { return shared_->closing; }
  /// Bit i: accept queue i has lost its worker, and its siblings adopt it. 64 queues at most take part.
  std::atomic<std::uint64_t>& orphaned_queues() { return shared_->orphaned_queues; }

 private:
  struct Shared {
    std::atomic<bool> others_wait{false};
    std::atomic<bool> closing{false};
    std::atomic<std::uint64_t> orphaned_queues{0};
    WorkerCounters retired;
    WorkerCounters rows[1];
  };
  std::size_t bytes() const { return sizeof(Shared) + rows_ * sizeof(WorkerCounters); }

  std::size_t rows_;
  Shared* shared_;
};

}  // namespace corelab
