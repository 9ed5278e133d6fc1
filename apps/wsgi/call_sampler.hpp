// Which calls are measured, where to measure each would cost a short one more than it takes itself.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "common/clock.hpp"

namespace corelab::wsgi {

/// Of one thread's calls about one a millisecond; all of them where they come more slowly. Chosen by count
/// and at random, so that what the sample holds does not depend on which call follows which: a choice by time
/// would always take the call behind a long one, and never the long one behind a short.
class CallSampler {
 public:
  /// Is the call that begins now in the sample? The clock is read if it is.
  template <class Read>
  bool takes(Read clock) {
    if (++calls_ < next_) return false;
    Clock::time_point now = clock();
    // A mean over several, so that how soon the next one comes does not depend on how long this one was in
    // coming.
    each_ += (std::min((now - last_) / calls_, longest_each) - each_) / 8;
    long period = std::clamp<long>(sampled_each / std::max(each_, Clock::duration(1)), 1, longest_period);
    next_ = std::uniform_int_distribution<long>(1, 2 * period - 1)(random_);
    calls_ = 0;
    last_ = now;
    return true;
  }

 private:
  static constexpr Clock::duration sampled_each = std::chrono::milliseconds(1);
  static constexpr Clock::duration longest_each = 10 * sampled_each;
  static constexpr long longest_period = 100;  // calls that are quick now may soon be slow

  Clock::time_point last_{};
  Clock::duration each_ = sampled_each;  // from call to call
  long calls_ = 0;                       // since the last in the sample
  long next_ = 1;
  std::minstd_rand random_;
};

}  // namespace corelab::wsgi
