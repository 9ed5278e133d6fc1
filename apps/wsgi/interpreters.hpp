// The Python in this process: one interpreter for all threads, or one for each.
#pragma once

#include "apps/wsgi/python.hpp"

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apps/wsgi/application.hpp"
#include "apps/wsgi/call_sampler.hpp"
#include "apps/wsgi/environ.hpp"
#include "servers/settings.hpp"

namespace corelab::wsgi {

class Interpreters;

/// What one thread uses Python with; made at its first use, ended with it.
struct ThreadInterpreter {
  Interpreters* owner = nullptr;
  PyThreadState* state = nullptr;
  Application* application = nullptr;
  int depth = 0;                   // of Gil objects
  bool is_introduced = false;      // to the module threading
  bool is_trial = false;           // of whether the application can be imported: threads that it starts are not waited for
  bool is_kept = false;            // the GIL, though there is none: until Interpreters::let_go()
  CallSampler sampler;             // of the times that it holds the GIL
  std::optional<Application> own;  // with --gil own
  ~ThreadInterpreter();
};

/// One a process, as CPython allows no more: made on the main thread, and never destroyed, because the
/// process ends with it.
class Interpreters {
 public:
  /// Starts Python and imports the application; the GIL is free when it returns. Throws std::runtime_error
  /// with a sentence.
  Interpreters(const Settings& settings, Callable callable, Surroundings around);
  ~Interpreters() = delete;

  /// Any thread.
  ThreadInterpreter& of_this_thread();
  /// The same of a thread that has used Python before.
  static ThreadInterpreter& current();
  /// Threads that a handler starts are waited for at the end, as elsewhere: to Python, which has not started ours, they
  /// would be a daemon's daemons. Needs the GIL; once threading has been imported, once a thread.
  static void introduce(ThreadInterpreter& mine);
  bool are_shared() const { return settings_.gil == corelab::Gil::shared; }

  /// As Python's own end: waits for executors and for threads that are no daemons, runs what was registered with
  /// atexit (which waits for processes of multiprocessing), flushes the streams. Main thread; no handler runs.
  void end();
  /// Kills processes of multiprocessing that end() waits for. Any thread, at any time.
  void cut() const;

  /// What a thread is at, the innermost call first, in one line; empty if it is not in Python. Any thread.
  std::string stack_of(pthread_t thread);

  /// The module subprocess starts programs by fork(2) from now on: vfork(2) would hand on what a fork's handlers set right
  /// (descriptor_limit::restore()). Any thread. (Interpreters of threads' own keep their ways.)
  void fork_for_subprocesses();

  /// Gives back the GIL, if the calling thread has kept it.
  void let_go();

  /// Runs the application's signal handlers that are due. Main thread.
  void attend();

  // Around a fork. Main thread.
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();

 private:
  friend struct ThreadInterpreter;
  void remember_children();
  void start_python();
  void prepare_interpreter();
  void begin_own(ThreadInterpreter& mine);

  const Settings settings_;
  const Callable callable_;
  const Surroundings around_;
  std::string directory_;  // --app-dir, absolute
  PyThreadState* main_ = nullptr;
  std::optional<Application> application_;  // all threads'; with --gil own the main one's, if any
  std::vector<pid_t> children_;             // of multiprocessing, when the end began
  std::mutex own_mutex_;
  std::map<pthread_t, PyInterpreterState*> own_;  // --gil own: each thread's, while it lives
  std::atomic<bool> has_children_{false};   // says that they are known
};

}  // namespace corelab::wsgi
