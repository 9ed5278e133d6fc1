// The seam between the evented driver and a loop library: readiness, one timer, a wake-up from other threads. What is
// written against it runs the same on every library, so that two loop cores differ in their library alone.
#pragma once

#include <memory>

#include "common/clock.hpp"

namespace corelab {

/// What a descriptor is ready for. Errors and resets come as `hangup`, together with whatever else is true.
struct Events {
  bool readable = false;
  bool writable = false;
  bool hangup = false;
};

enum class Interest {
  nothing,  ///< no events at all
  hangup,   ///< a reset only
  read,     ///< and when it can be read
  write,    ///< and when it can be written
};

/// Receives a descriptor's events; called on the reactor's thread. May destroy its own watch.
class Watcher {
 public:
  virtual void on_ready(Events events) = 0;

 protected:
  ~Watcher() = default;
};

/// A descriptor under watch, as long as this lives; it does not own the descriptor. Reactor's thread only. An event may
/// come late, after the interest has changed: the watcher checks.
class Watch {
 public:
  virtual ~Watch() = default;
  /// From now on. Costs nothing if nothing changes.
  virtual void want(Interest interest) = 0;
};

/// What a reactor calls on its own thread.
class ReactorClient {
 public:
  virtual void on_timer() = 0;
  virtual void on_wake() = 0;
  /// Everything that was ready at once has been handled.
  virtual void on_batch_end() = 0;

 protected:
  ~ReactorClient() = default;
};

class Reactor {
 public:
  virtual ~Reactor() = default;

  /// Begins with Interest::nothing. `watcher` outlives the watch.
  virtual std::unique_ptr<Watch> watch(int fd, Watcher& watcher) = 0;

  /// on_timer() once, at `when` or soon after; replaces what was set before.
  virtual void set_timer(Deadline when) = 0;

  /// on_wake() soon, once for several calls. Any thread.
  virtual void wake() = 0;

  /// on_batch_end() once, after the events at hand; asked for in on_batch_end(), after those that are ready by then,
  /// without waiting for any.
  virtual void notify_batch_end() = 0;

  /// Serves events until stop(), which is called on its own thread.
  virtual void run(ReactorClient& client) = 0;
  virtual void stop() = 0;
};

}  // namespace corelab
