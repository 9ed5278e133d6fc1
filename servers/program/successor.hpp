// The program that takes this one's place without a closed door (USR2): the same command, started anew with the listening
// sockets; when it serves, it tells its predecessor to end.
#pragma once

#include <sys/types.h>

#include <string>

namespace corelab {

class ListenerSet;

/// One thread at a time: the one that waits for signals.
class Successor {
 public:
  /// `directory`: where the program was started.
  explicit Successor(std::string directory) : directory_(std::move(directory)) {}

  /// Starts it, unless one lives; says in the log what it does. What it reads (its program, the configuration) is as it is now,
  /// its arguments and environment are those of this process's start.
  void start(const ListenerSet& listeners);

  /// It lives: whoever connects is its own from now on, or will be in a moment. Waits for one that has ended, and says so.
  bool is_alive();
  /// Does a signal of that sender come from it?
  bool is(pid_t sender) const { return pid_ != 0 && sender == pid_; }
  /// It is not to take over any more.
  void end();

 private:
  const std::string directory_;
  pid_t pid_ = 0;
};

}  // namespace corelab
