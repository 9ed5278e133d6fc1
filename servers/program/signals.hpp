// What the process is told by signals, and what its application's own handlers and children are to see of that.
//
// The signals that the program answers to are caught by handlers which only take a note; one thread waits for the notes.
// They are not blocked: a program that the application starts inherits a mask, and would never hear of TERM, while exec
// resets handlers (execve(2)). In a process that the application forks, the dispositions are those of a process that was
// started normally (pthread_atfork(3)).
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace corelab::signals {

/// Catches TERM, INT, HUP, USR1, USR2, TTIN and TTOU; ignores PIPE and XFSZ, whose calls then fail. Before any thread and
/// fork.
void catch_all();
/// And CHLD, in a process that has workers, but not in those.
void catch_children();

/// While it lives, the forks of the calling thread make processes of the program's own, which go on catching. What comes
/// meanwhile waits.
class OwnFork {
 public:
  OwnFork();
  ~OwnFork();
  OwnFork(const OwnFork&) = delete;

 private:
  sigset_t before_{};
};

struct Signal {
  int number = 0;  ///< 0: none
  pid_t sender = 0;
};
/// The next of those signals, or none when `timeout` has passed. One thread of the process.
Signal wait(std::chrono::milliseconds timeout);

/// While it lives, TERM and INT end the process at once, with exit code 0: whatever the main thread is doing, it does
/// nothing that must be ended in order. `sentence` goes to standard error (empty: none), `clean_up` is called before; both
/// in the handler, so that only what is async-signal-safe may be done there (signal-safety(7)).
class EndAtOnce {
 public:
  EndAtOnce(std::string sentence, void (*clean_up)());
  ~EndAtOnce();
  EndAtOnce(const EndAtOnce&) = delete;

 private:
  friend void end_at_once();
  const std::string sentence_;
  void (*const clean_up_)();
};

/// Takes back the signals that the application has given handlers of its own. USR1 is shared: its handler is called behind
/// ours. The others are the program's alone: gives their names, each once in the process's life. One thread at a time.
std::vector<std::string> reclaim();

/// Had the application a handler for any signal when they were last reclaimed? Those that are written in its language it is
/// to be asked to run (Lifecycle::attend) when a call of the main thread was interrupted. Any thread.
bool application_has_handlers();

}  // namespace corelab::signals
