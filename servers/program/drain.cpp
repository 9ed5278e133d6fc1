#include "servers/program/drain.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/telemetry/log.hpp"
#include "servers/program/notify.hpp"
#include "servers/program/successor.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 10ms;
constexpr auto close_idle_interval = 100ms;
// Handshakes that were under way when newcomers were refused are through by then.
constexpr auto last_handshakes = 50ms;
constexpr auto stop_patience = 1s;

[[noreturn]] void end_without(const ServerContext& context, const std::string& what) {
  log::error(what + ": the process ends without it");
  Lifecycle::call(context.app.lifecycle().cut);
  context.take_names_away();
  _exit(1);
}

}  // namespace

void reopen_logs(ServerContext& context) {
  try {
    log::reopen();
    context.access_log.open(context.settings.current().access_log);
  } catch (const std::exception& error) {
    log::error(std::string("the logs stay as they are: ") + error.what());
  }
}

Leave leave_service(ServerContext& context, signals::Signal order) {
  if (context.successor->is(order.sender)) {
    log::info("draining: a successor has taken over");
    context.listeners.leave_to_successor();
    return Leave::to_successor;
  }
  context.successor->end();
  log::info("draining");
  notify::stopping();
  if (!context.listeners.are_own()) return Leave::to_successor;
  context.listeners.refuse_newcomers();
  context.counters.closing() = true;
  return Leave::to_nobody;
}

// A worker may have begun to drain by itself (--max-requests) when its supervisor tells it to, or be told twice by
// somebody else: it is the supervisor's second word that ends it at once.
Drain::Drain(Server& server, ServerContext& context, bool is_child, signals::Signal first)
    : server_(server),
      context_(context),
      is_child_(is_child),
      supervisor_(getppid()),
      was_told_(!is_child || first.sender == supervisor_) {
  if (is_child_) {
    context_.counters.row(context_.first_row).is_leaving = true;
  } else {
    leave_ = leave_service(context_, first);
  }
  const Settings& settings = context_.settings.current();
  Clock::time_point now = Clock::now();
  // One worker that retires leaves its queue to its siblings at once. But who was told by somebody else, as by a TERM to
  // the whole group, cannot know yet whether all drain.
  bool retires = is_child ? !all_drain() && (first.sender == supervisor_ || first.sender == getpid()) : leave_ == Leave::to_successor;
  accept_until_ = retires ? now : now + last_handshakes;
  close_idle_at_ = now + settings.drain_grace;
  stop_at_ = now + settings.graceful_timeout;
}

bool Drain::end_server(const std::function<void()>& beat) {
  server_.drain();
  while (!server_.finished()) {
    step(Clock::now());
    if (is_told_again(look(beat)) && !is_stopped_) stop("stopping at once");
  }
  context_.listeners.close();
  return !is_stopped_;
}

void Drain::step(Clock::time_point now) {
  // What is queued is served, however long that takes within the drain's limit. Whoever retires has siblings for it.
  if (now >= accept_until_ && (!all_drain() || context_.listeners.waiting() == 0)) {
    server_.stop_accepting();
    accept_until_ = no_deadline;
  }
  if (!server_.accepting()) context_.listeners.close();
  if (now >= close_idle_at_) {
    // Again and again: who was answering just now is idle soon.
    server_.close_idle();
    close_idle_at_ = now + close_idle_interval;
  }
  if (now < stop_at_) return;
  if (is_stopped_) end_without(context_, "a handler could not be ended");
  stop("the drain has outlived --graceful-timeout: stopping");
}

void Drain::stop(const char* why) {
  log::warning(why);
  is_stopped_ = true;
  stop_at_ = Clock::now() + stop_patience;
  server_.stop();
}

signals::Signal Drain::look(const std::function<void()>& beat) {
  signals::Signal signal = signals::wait(look_interval);
  beat();
  if (signal.number == SIGUSR1) reopen_logs(context_);
  return signal;
}

bool Drain::is_told_again(signals::Signal signal) {
  bool is_order = is_child_ ? signal.number == SIGTERM && signal.sender == supervisor_
                            : (signal.number == SIGTERM || signal.number == SIGINT) && !context_.successor->is(signal.sender);
  return is_order && std::exchange(was_told_, true);
}

void Drain::end_app(const std::atomic<bool>& app_has_ended, const std::function<void()>& beat) {
  Deadline until = std::max(stop_at_, Clock::now() + stop_patience);
  watch_app_end(context_, until, app_has_ended, [&] { return is_told_again(look(beat)); });
}

void watch_app_end(const ServerContext& context, Deadline until, const std::atomic<bool>& app_has_ended,
                   const std::function<bool()>& is_to_end_now) {
  while (!app_has_ended) {
    if (is_to_end_now()) end_without(context, "the application's end (its threads, executors, exit functions) is cut short");
    if (Clock::now() >= until) {
      end_without(context, "the application did not end (its threads, executors, exit functions) within --graceful-timeout");
    }
  }
}

}  // namespace corelab
