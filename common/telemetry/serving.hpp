// What the calling thread is serving just now, for code below a handler that keeps an account of its own.
#pragma once

#include <cstdint>

namespace corelab {

class Trace;
struct LockTimes;

/// A loop that is the only thread to run handlers: an app with a lock may keep it from one to the next.
class LockKeeper {
 public:
  /// Lifecycle::let_go is to be called before this thread waits.
  virtual void lock_is_kept() = 0;

 protected:
  ~LockKeeper() = default;
};

struct Serving {
  LockTimes* lock_times = nullptr;  ///< the worker's, if the app has a lock
  Trace* trace = nullptr;
  LockKeeper* lock_keeper = nullptr;  ///< or null: the lock is to be given back with each handler
  std::uint64_t connection = 0;  ///< its id in the trace
};

/// Of the calling thread. Drivers set it before they run a handler of an app that has a lock.
inline Serving& serving() {
  static thread_local Serving current;
  return current;
}

}  // namespace corelab
