// The side of a blocking core that never blocks on a client: it accepts, and sees connections out.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "common/net/fd.hpp"
#include "servers/blocking/departures.hpp"
#include "servers/server.hpp"

namespace corelab {

/// run() on one thread; everything else from any.
class Reception {
 public:
  /// What a core does with what comes in. All called by run().
  class Core {
   public:
    /// A connection of its own from now on, until it is given to see_out() or closed.
    virtual void on_connection(Accepted accepted, bool is_control) = 0;
    /// Connections in its hands, and the most there may be: at the cap, newcomers wait in the kernel.
    virtual unsigned open() const = 0;
    virtual unsigned cap() const = 0;
    /// How many it has no thread for, beside those who wait in the kernel because it is at its cap.
    virtual unsigned waiting() const = 0;
    /// That many newcomers wait for a thread, in its hands or in the kernel; called every 10 ms while there are any, and
    /// once with 0 then.
    virtual void on_waiting(unsigned newcomers) = 0;

   protected:
    ~Core() = default;
  };

  /// Throws std::system_error if the system has no descriptors for it. `accepting`, if not null, is kept at 1 while a
  /// newcomer would be accepted at once.
  Reception(const ServerContext& context, Core& core, std::atomic<std::int64_t>* accepting = nullptr);

  /// Until stop_accepting(), and no connection is open or leaving.
  void run();

  void stop_accepting();
  /// False once run() has let go of the listeners, and not before: closing a listener that is shared with other processes
  /// does not take it out of an epoll set, which would go on taking wake-ups that are meant for them.
  bool is_accepting() const { return is_accepting_; }

  /// A connection of the core has ended: there may be room again.
  void on_end() {
    if (!is_listening_) wake();
  }

  /// Closes a connection, whose our half is closed, when the client has read its answer and closed its own, or after a
  /// while (Departures).
  void see_out(Fd fd);
  /// Cuts off those who are being seen out.
  void cut();

 private:
  void wake();
  enum class Listening { to_nobody, to_control, to_all };
  void listen(Listening wanted);
  void look_at_room();
  void accept_from(int listener);
  void set_receive_timeouts();
  void take_leaving();
  bool nobody_leaves();
  std::chrono::milliseconds patience(Clock::time_point now);

  const ServerContext& context_;
  Core& core_;
  std::atomic<std::int64_t>* accepting_;
  Fd epoll_, wake_;
  const Settings* settings_ = nullptr;  // those that the listeners' time-outs are of
  Listening listening_ = Listening::to_nobody;
  std::atomic<bool> is_listening_{false};  // to all
  Clock::time_point paused_until_{};
  bool newcomers_waited_ = false;

  Departures departures_;
  Clock::time_point last_departure_{};
  std::mutex mutex_;
  std::vector<Fd> to_leave_;  // on their way to run()
  bool sleeps_ = false;       // run() waits without looking at those, until it is woken

  std::atomic<bool> is_to_stop_{false};
  std::atomic<bool> is_accepting_{true};
  std::atomic<bool> is_cut_{false};
};

}  // namespace corelab
