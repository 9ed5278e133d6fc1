// Taking Python's lock, and what it costs.
#pragma once

#include "apps/wsgi/python.hpp"

#include <chrono>
#include <optional>

#include "common/clock.hpp"
#include "common/telemetry/serving.hpp"

namespace corelab::wsgi {

class Application;
class Interpreters;
struct ThreadInterpreter;

/// While it lives, the calling thread may use Python. Each thread keeps one thread state from its first use
/// to its end, so that threading.local lasts as long as the thread. What taking the lock cost, and of a
/// sample what holding it did, goes into the account of the worker that the thread serves, and a wait into
/// its trace. Within another one it does nothing. On a loop that lets it (LockKeeper) it leaves the lock to
/// the next one, until the loop is about to wait.
class Gil {
 public:
  /// Throws std::runtime_error, with a sentence, if an interpreter of the thread's own cannot be made.
  explicit Gil(Interpreters& interpreters);
  ~Gil();
  Gil(const Gil&) = delete;

  /// The application in the thread's interpreter.
  Application& application() const;

 private:
  void take();

  ThreadInterpreter& mine_;
  LockTimes* times_ = nullptr;                                 // of the worker, or null
  std::optional<std::chrono::nanoseconds> cpu_time_at_start_;  // where the time it is held is measured
};

/// While it lives, the calling thread, which has taken the GIL by a Gil, lets others have it. A Gil inside takes it again:
/// what waits meanwhile may be interrupted by a signal that the application handles.
class WithoutGil {
 public:
  WithoutGil();
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;

 private:
  ThreadInterpreter& mine_;
  const int depth_;
};

}  // namespace corelab::wsgi
