// A number that goes up and down, and its mean over a stretch of time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "benchmarks/load/time.hpp"

namespace corelab::load {

/// One thread. Changes come in the order of their times.
class Gauge {
 public:
  void change(int by, Ns at, Ns from, Ns to) {
    Ns begin = std::max(since_, from), end = std::min(at, to);
    if (end > begin) seconds_ += seconds(end - begin) * static_cast<double>(value_);
    since_ = at;
    value_ += by;
  }
  std::int64_t value() const { return value_; }
  /// The number summed over time, within the stretches that the changes named.
  double value_seconds() const { return seconds_; }

 private:
  std::int64_t value_ = 0;
  Ns since_ = 0;
  double seconds_ = 0;
};

}  // namespace corelab::load
