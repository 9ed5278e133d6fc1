// What a core is to the program that runs it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/app.hpp"
#include "common/http/answer_start.hpp"
#include "common/net/listener_set.hpp"
#include "common/telemetry/access_log.hpp"
#include "common/telemetry/counters.hpp"
#include "common/telemetry/lock_times.hpp"
#include "common/telemetry/trace.hpp"
#include "servers/settings.hpp"

namespace corelab {

class HandlerWatch;
class Successor;

/// All that a core serves with; outlives it.
struct ServerContext {
  bool is_control(int listener) const {
    std::span<const int> queue = listeners.queue(first_queue);
    return control_listeners > 0 && queue.back() == listener;
  }

  /// Who asks on the control address is answered to the end when the whole server drains; one worker that retires
  /// leaves that to its siblings.
  bool keeps_control() const { return listeners.keeps_some() && counters.closing(); }

  LockTimes* lock_times_of(std::size_t row) const { return lock_times ? &lock_times->row(row) : nullptr; }

  const App& app;
  const App& control_app;      ///< served on the last socket of each queue, if there are control listeners
  unsigned control_listeners;  ///< 1, or 0 if they have no address of their own
  SettingsStore& settings;
  ListenerSet& listeners;
  CounterBoard& counters;
  std::size_t first_row;    ///< in counters: where this server's workers begin
  unsigned first_queue;     ///< in listeners: the queue of its first worker
  AccessLog& access_log;
  Trace* trace;             ///< or null
  Successor* successor = nullptr;  ///< of a program that runs, never null
  LockTimesBoard* lock_times = nullptr;  ///< by row, if the app has a lock
  HandlerWatch* handler_watch = nullptr;  ///< of this process
  std::string_view program = "corelab";   ///< its name, in what it says
  std::string_view answer_start = default_answer_start;  ///< its name, in what it answers
  /// Of the files that say where this process is; before it ends without unwinding. Any thread.
  std::function<void()> take_names_away{};
};

/// Serves in threads of its own, or on the process's main thread. All methods but serve_here() return at once, and are called
/// from one thread: after start(), the control thread.
class Server {
 public:
  virtual ~Server() = default;  ///< joins its threads; finished() must be true

  /// Main thread. Throws std::system_error if the system has no threads or descriptors for it.
  virtual void start() = 0;

  /// Main thread, after start(): where one thread is all that serves, it is this one; returns when finished(). What
  /// an application binds to the thread that imports it (signal handlers, event loops) is then at hand.
  virtual void serve_here() {}

  /// Others wait for a thread: closes, gently, connections that have been idle for a while. For cores whose idle
  /// connections hold a thread.
  virtual void yield_idle() {}

  /// Every second or so: gives back what it keeps and nobody has needed since.
  virtual void shed() {}

  // How a server ends; control.cpp says when each step is due.

  /// From now on every answer ends its connection.
  virtual void drain() = 0;
  /// Accepts no more, but on the control address as long as that is kept. What its listeners still queue is for others.
  virtual void stop_accepting() = 0;
  /// The last of that is over: the listeners can be closed.
  virtual bool accepting() const = 0;
  /// Closes, gently, connections that wait for a request. Who is busy is not touched.
  virtual void close_idle() = 0;
  /// Ends every connection now; handlers that wait are cancelled.
  virtual void stop() = 0;
  /// It accepts no more and no connection is left.
  virtual bool finished() const = 0;
};

/// The line of a core in the registry.
struct CoreInfo {
  std::string_view name, waiting, unit, distribution, teaches;

  enum class Workers { none, threads, reactors, processes } workers;
  enum class Waiting { blocking, handoff, loop } waits;
  /// Each worker has accept queues of its own (SO_REUSEPORT).
  bool own_queues;

  /// A server in this process; of a core with processes, what each child runs, with one worker.
  std::unique_ptr<Server> (*make)(const ServerContext&);

  bool has_processes() const { return workers == Workers::processes; }
  bool is_loop() const { return waits == Waiting::loop; }
  /// Each worker has one connection at a time.
  bool serves_one_each() const { return has_processes() && waits == Waiting::blocking; }
};

}  // namespace corelab
