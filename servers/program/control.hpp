// A serving process from its server's start to its end: who does what on which thread.
#pragma once

#include <functional>

#include "servers/server.hpp"

namespace corelab {

/// Starts the application in this process (Lifecycle::start), on the main thread, where TERM and INT end the process at
/// once, for as long as that takes; sees to the signals that it has taken.
void start_app(const ServerContext& context);

/// Takes back the signals that are the server's, and says which.
void reclaim_signals();

/// How a process that serves behaves.
struct Role {
  /// HUP; null: a supervisor sees to it.
  std::function<void()> reload;
  /// It is one worker of several behind a supervisor: INT is the supervisor's business, its listeners are shared, and
  /// its drain is its own unless the supervisor says that all drain.
  bool is_child = false;
  /// The control thread says that the process is alive, because no loop of the server does.
  bool beats = false;
};

/// The exit code of a worker that could not begin to serve; why it has said.
inline constexpr int cannot_serve = 4;

/// Serves to the end, on a server of `core`. The calling thread, the process's main one, is the application's: a core that serves with one thread
/// serves on it, and the application's signal handlers and its end run there. Signals, drain and deadlines are another
/// thread's, the control thread. `is_ready` is called when the server has started. Returns the exit code: 0, or 1 if the drain
/// was cut short by its deadline or by a second TERM; ends the process if a handler, or the application's end, cannot be
/// ended.
int serve_to_the_end(const CoreInfo& core, ServerContext& context, const Role& role, const std::function<void()>& is_ready);

/// The application's end (Lifecycle::end), for a process that has none of the above: it may take until `until`, or until
/// the next TERM or INT; then the process ends. Main thread; the last one to wait for signals, and no fork follows.
void end_app(const ServerContext& context, Deadline until);

}  // namespace corelab
