// A distribution of times: a histogram with a log axis from 1 µs to 100 s in bins at most 1 % wide.
#pragma once

#include <boost/histogram.hpp>
#include <cstdint>
#include <vector>

#include "benchmarks/load/time.hpp"

namespace corelab::load {

/// One thread. Times outside the axis go into its outermost bins; mean and extremes are exact.
class Latencies {
 public:
  void add(Ns time);
  void add(const Latencies& others);
  void clear();

  std::uint64_t count() const { return count_; }
  double mean_ms() const { return count_ == 0 ? 0 : sum_ms_ / static_cast<double>(count_); }
  double max_ms() const { return max_ms_; }
  /// The time that a share `q` (0 to 1) of all is not above, interpolated within its bin; 0 if there are none.
  double quantile_ms(double q) const;

  /// Number of bins, and the upper edge of one in milliseconds.
  static std::size_t bins();
  static double upper_edge_ms(std::size_t bin);
  std::uint64_t in_bin(std::size_t bin) const;

 private:
  using Axis = boost::histogram::axis::regular<double, boost::histogram::axis::transform::log>;
  using Counts = boost::histogram::histogram<std::tuple<Axis>, boost::histogram::dense_storage<std::uint64_t>>;
  static Axis axis();

  Counts counts_ = boost::histogram::make_histogram_with(boost::histogram::dense_storage<std::uint64_t>(), axis());
  std::uint64_t count_ = 0;
  double sum_ms_ = 0;
  double min_ms_ = 0, max_ms_ = 0;
};

}  // namespace corelab::load
