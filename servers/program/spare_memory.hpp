// Memory that the process has freed and malloc keeps: after a burst it may be most of what the process has.
#pragma once

#include <cstddef>

#include "common/clock.hpp"

namespace corelab {

/// Before any thread, where an application's lock lets one of them work at a time: they share one arena. Of the others
/// malloc_trim(3) does not give back the end, and that is where an answer of 10 MB stays for ever (mallopt(3), M_ARENA_MAX;
/// mapping such blocks each by itself would cost three times the CPU time of that answer in page faults).
void share_one_arena();

/// One thread. What has been free for a few seconds on end is given back to the system (malloc_trim(3)); what comes and goes is
/// left to malloc, because pages that are given back cost a fault each when they are used again.
class SpareMemory {
 public:
  /// Once a second or so.
  void look(Clock::time_point now);

 private:
  std::size_t least_ = static_cast<std::size_t>(-1);  // since begun_
  Clock::time_point begun_ = Clock::now();
};

}  // namespace corelab
