// What an app does when processes begin, fork and end: for apps that bring a runtime of their own along.
#pragma once

#include <pthread.h>

#include <functional>
#include <string>

namespace corelab {

/// All called on the process's main thread; each may be empty.
struct Lifecycle {
  /// In each process that serves, before its first serving thread. Throws std::exception with a sentence for the user if
  /// it cannot serve.
  std::function<void()> start;
  /// No handler runs any more; the process is about to end. It may take its time, and is cut() when that is over.
  std::function<void()> end;
  /// The process ends at once, wherever end() is: ends processes of its own. Any thread.
  std::function<void()> cut;
  /// A signal has come, and may have been for the app: runs what it wants run then. Null: it has no signal handlers.
  std::function<void()> attend;

  /// What a thread that runs a handler is at, in the app's language: one line. Empty if it is not known. Any thread.
  std::function<std::string(pthread_t thread)> stack_of;

  /// Cores with processes: call `start` once, in the supervisor, instead of in every worker, and the others
  /// around each fork.
  bool starts_before_fork = false;
  std::function<void()> before_fork, after_fork_in_parent, after_fork_in_child;

  /// Gives back the lock that a handler of this thread has kept (common/telemetry/serving.hpp). That thread.
  std::function<void()> let_go;

  /// Its handlers share a lock, whose times (common/telemetry/lock_times.hpp) it records: /stats shows them.
  bool has_lock = false;

  static void call(const std::function<void()>& step) {
    if (step) step();
  }
};

}  // namespace corelab
