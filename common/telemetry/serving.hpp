// What the calling thread is serving just now, for code below a handler that keeps an account of its own.
#pragma once

#include <cstdint>

namespace corelab {

class Trace;
struct LockTimes;

struct Serving {
  LockTimes* lock_times = nullptr;  ///< the worker's, if the app has a lock
  Trace* trace = nullptr;
  std::uint64_t connection = 0;  ///< its id in the trace
};

/// Of the calling thread. Drivers set it before they run a handler of an app that has a lock.
inline Serving& serving() {
  static thread_local Serving current;
  return current;
}

}  // namespace corelab
