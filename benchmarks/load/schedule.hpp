// When requests are due: one global schedule, drawn from a seed alone, so that every server meets the same arrivals
// however it answers.
#pragma once

#include <cstdint>
#include <random>

#include "benchmarks/load/options.hpp"
#include "benchmarks/load/time.hpp"

namespace corelab::load {

/// The due times of an open loop, in ascending order, as nanoseconds from its start. One thread.
class Schedule {
 public:
  /// `rate` in requests a second. With `ramp_seconds` above 0 the rate rises from 0 to `rate` in that time.
  Schedule(Arrivals kind, double rate, double ramp_seconds, std::uint64_t seed)
      : is_poisson_(kind == Arrivals::poisson), rate_(rate), ramp_seconds_(ramp_seconds), engine_(seed) {
    if (is_poisson_) advance();  // equal gaps begin with the start itself
  }

  Ns due() const { return due_; }
  void advance();

 private:
  bool is_poisson_;
  double rate_, ramp_seconds_;
  std::mt19937_64 engine_;
  std::exponential_distribution<double> gap_{1.0};
  double passed_ = 0;  // arrivals that the rate, summed over time, has brought by then
  Ns due_ = 0;
};

}  // namespace corelab::load
