// How long something took, many times over, in memory that processes share.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace corelab {

/// Counts durations from 0.1 µs to over 100 s in bins of at most 1.6 % of their value. Any thread may add or
/// read; all zeros is a new one, so that memory fresh from the kernel needs no constructor (and takes no page
/// before its use).
class TimeHistogram {
 public:
  void add(std::chrono::nanoseconds time);
  /// Adds the counts of another one, and empties that.
  void absorb(TimeHistogram& other);

  std::uint64_t count() const;
  /// The time that `share` of all durations do not exceed, as the middle of its bin; 0 if there are none.
  std::chrono::nanoseconds quantile(double share) const;
  std::chrono::nanoseconds most() const {
    return std::chrono::nanoseconds(most_ns_.load(std::memory_order_relaxed));
  }

 private:
  // Below 2 * steps units of 0.1 µs a bin is one unit wide; above, each doubling has `steps` bins.
  static constexpr unsigned steps_log2 = 6, steps = 1u << steps_log2, doublings = 25;
  static constexpr std::int64_t unit_ns = 100;
  static std::size_t bin_of(std::uint64_t units);
  static double middle_ns(std::size_t bin);

  std::array<std::atomic<std::uint64_t>, steps*(doublings + 1)> bins_;
  std::atomic<std::int64_t> most_ns_;
};

}  // namespace corelab
