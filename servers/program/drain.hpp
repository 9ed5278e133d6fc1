// How a server ends: accepts no more, finishes what it has, and lets its application end; all within a time.
#pragma once

#include <atomic>
#include <functional>

#include "servers/program/signals.hpp"
#include "servers/server.hpp"

namespace corelab {

enum class Leave { to_nobody, to_successor };
/// The first step of a program's end: newcomers are refused, unless the order comes from a successor, which has the listeners, or
/// a supervisor keeps them; what they queue is then for who comes next. A successor that does not serve yet is ended, too, by
/// anybody else's order.
Leave leave_service(ServerContext& context, signals::Signal order);

/// One drain, on the control thread. Ends the process (exit code 1) if a handler or the application's end cannot be
/// ended in time.
class Drain {
 public:
  /// `first` is the signal that began it. `beat` is called often. A worker among several (`is_child`) drains for itself,
  /// unless its supervisor says that all do.
  Drain(Server& server, ServerContext& context, bool is_child, signals::Signal first);

  /// Until nothing is left of the server. False: it was cut short, by its deadline or by a second order.
  bool end_server(const std::function<void()>& beat);
  /// Until the application has ended.
  void end_app(const std::atomic<bool>& app_has_ended, const std::function<void()>& beat);

 private:
  bool all_drain() const { return is_child_ ? bool(context_.counters.closing()) : leave_ == Leave::to_nobody; }
  void step(Clock::time_point now);
  void stop(const char* why);
  bool is_told_again(signals::Signal signal);
  signals::Signal look(const std::function<void()>& beat);

  Server& server_;
  ServerContext& context_;
  const bool is_child_;
  const pid_t supervisor_;
  Leave leave_ = Leave::to_nobody;
  bool was_told_;
  bool is_stopped_ = false;
  Deadline accept_until_, close_idle_at_, stop_at_;
};

/// Waits until the application's end is over; when `until` has passed, or `is_to_end_now` says so of a signal, ends the
/// process without it. Any thread but the main one.
void watch_app_end(const ServerContext& context, Deadline until, const std::atomic<bool>& app_has_ended,
                   const std::function<bool()>& is_to_end_now);

/// Opens the logs again under their names.
void reopen_logs(ServerContext& context);

}  // namespace corelab
