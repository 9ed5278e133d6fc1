#include "benchmarks/load/schedule.hpp"

#include <cmath>

namespace corelab::load {

// A Poisson process of any rate is one of rate 1 on a stretched clock: what is added up here are the arrivals that are
// expected by a time, and the time is where the rate's integral reaches them.
void Schedule::advance() {
  passed_ += is_poisson_ ? gap_(engine_) : 1.0;
  double at = ramp_seconds_ > 0 ? std::sqrt(2 * ramp_seconds_ * passed_ / rate_) : passed_ / rate_;
  due_ = from_seconds(at);
}

}  // namespace corelab::load
