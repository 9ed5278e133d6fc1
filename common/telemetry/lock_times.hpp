// What a lock that all handlers of a process share (an interpreter's) costs them, by worker.
#pragma once

#include <cstddef>

#include "common/telemetry/time_histogram.hpp"

namespace corelab {

/// One worker's. Any thread.
struct LockTimes {
  TimeHistogram waited;  ///< of the acquisitions that had to wait
  TimeHistogram held;    ///< CPU time from taking it to giving it back, of a sample of them
  std::atomic<std::uint64_t> uncontended;

  void absorb(LockTimes& other) {
    waited.absorb(other.waited);
    held.absorb(other.held);
    uncontended += other.uncontended.exchange(0);
  }
};

/// A row for each worker and one for those that are gone, in memory that forked processes share: create it
/// before any fork. Rows take memory when they are first used.
class LockTimesBoard {
 public:
  explicit LockTimesBoard(std::size_t workers);
  ~LockTimesBoard();
  LockTimesBoard(const LockTimesBoard&) = delete;

  LockTimes& row(std::size_t worker) { return rows_[worker]; }
  LockTimes& retired() { return rows_[workers_]; }

 private:
  std::size_t bytes() const { return (workers_ + 1) * sizeof(LockTimes); }

  std::size_t workers_;
  LockTimes* rows_;
};

}  // namespace corelab
