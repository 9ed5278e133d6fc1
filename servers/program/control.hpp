// What a serving process does about signals.
#pragma once

#include <signal.h>

#include <functional>

#include "servers/server.hpp"

namespace corelab {

/// Blocks the signals that the control thread waits for; before any thread or fork, which inherit it. Ignores SIGPIPE.
void block_control_signals();

struct Signal {
  int number = 0;  ///< 0: none
  pid_t sender = 0;
};
/// The next of those signals, or none when `timeout` has passed.
Signal wait_for_signal(std::chrono::milliseconds timeout);

/// How a process that serves behaves.
struct Control {
  Server& server;
  ServerContext& context;
  /// HUP; null: a supervisor sees to it.
  std::function<void()> reload;
  /// It is one worker of several behind a supervisor: INT is the supervisor's business, its listeners are shared, and
  /// its drain is its own unless the supervisor says that all drain.
  bool is_child = false;
  /// This thread says that the process is alive, because no loop of the server does.
  bool beats = false;

  /// Until the server has drained. Returns the exit code: 0, or 1 if the drain was cut short by its deadline or by a
  /// second TERM. Never returns, but ends the process, if a handler cannot be ended.
  int run();

 private:
  int drain(Signal first);
  void beat();
};

/// Opens the logs again under their names.
void reopen_logs(ServerContext& context);

}  // namespace corelab
