#include "servers/program/control.hpp"

#include <unistd.h>

#include <exception>
#include <utility>

#include "common/telemetry/log.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto drain_check = 10ms;
constexpr auto close_idle_interval = 100ms;
// Handshakes that were under way when newcomers were refused are through by then.
constexpr auto last_handshakes = 50ms;
constexpr auto stop_patience = 1s;
constexpr auto heartbeat = 250ms;

sigset_t control_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGCHLD}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_control_signals() {
  sigset_t set = control_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Signal wait_for_signal(std::chrono::milliseconds timeout) {
  sigset_t set = control_signals();
  timespec wait{timeout.count() / 1000, timeout.count() % 1000 * 1'000'000};
  siginfo_t about{};
  int number = sigtimedwait(&set, &about, &wait);
  return number > 0 ? Signal{number, about.si_pid} : Signal{};
}

void reopen_logs(ServerContext& context) {
  try {
    log::reopen();
    context.access_log.open(context.settings.current().access_log);
  } catch (const std::exception& error) {
    log::error(std::string("the logs stay as they are: ") + error.what());
  }
}

int Control::run() {
  for (;;) {
    Signal signal = wait_for_signal(beats ? heartbeat : std::chrono::milliseconds(1h));
    beat();
    switch (signal.number) {
      case SIGINT:
        if (is_child) break;  // the terminal sends it to all; the supervisor says what it means
        [[fallthrough]];
      case SIGTERM: return drain(signal);
      case SIGHUP:
        if (reload) reload();
        break;
      case SIGUSR1: reopen_logs(context); break;
      case SIGUSR2:  // the supervisor's word that others wait for a worker
        if (is_child) server.yield_idle();
        break;
      default: break;
    }
  }
}

void Control::beat() {
  if (!beats) return;
  std::int64_t now = Clock::now().time_since_epoch() / 1ms;
  context.counters.row(context.first_row).heartbeat_ms.store(now, std::memory_order_relaxed);
}

int Control::drain(Signal first) {
  // A worker may have begun to drain by itself (--max-requests) when its supervisor tells it to, or be told twice by
  // itself: it is the supervisor's second word that ends it at once.
  const pid_t supervisor = getppid();
  bool was_told = !is_child || first.sender == supervisor;
  bool all_drain = !is_child || context.counters.closing();
  if (is_child) context.counters.row(context.first_row).is_leaving = true;
  if (!is_child) {
    log::info("draining");
    context.listeners.refuse_newcomers();
    context.counters.closing() = true;
  }
  const Settings& settings = context.settings.current();
  Clock::time_point start = Clock::now();
  // One worker that retires leaves its queue to its siblings at once.
  Deadline accept_until = all_drain ? start + last_handshakes : start;
  Deadline close_idle_at = start + settings.drain_grace;
  Deadline stop_at = start + settings.graceful_timeout;
  bool is_stopped = false;

  server.drain();
  while (!server.finished()) {
    Clock::time_point now = Clock::now();
    // What is queued is served, however long that takes within the drain's limit. Whoever retires has siblings for it.
    if (now >= accept_until && (!all_drain || context.listeners.waiting() == 0)) {
      server.stop_accepting();
      accept_until = no_deadline;
    }
    if (!server.accepting()) context.listeners.close();
    if (now >= close_idle_at) {
      // Again and again: who was answering just now is idle soon.
      server.close_idle();
      close_idle_at = now + close_idle_interval;
    }
    if (now >= stop_at) {
      if (is_stopped) {
        log::error("a handler could not be ended; the process ends without it");
        _exit(1);
      }
      log::warning("the drain has outlived --graceful-timeout: stopping");
      is_stopped = true;
      stop_at = now + stop_patience;
      server.stop();
    }
    Signal signal = wait_for_signal(drain_check);
    beat();
    if (signal.number == SIGUSR1) reopen_logs(context);
    bool is_order = is_child ? signal.number == SIGTERM && signal.sender == supervisor
                             : signal.number == SIGTERM || signal.number == SIGINT;
    if (is_order && std::exchange(was_told, true) && !is_stopped) {
      log::warning("stopping at once");
      is_stopped = true;
      stop_at = now + stop_patience;
      server.stop();
    }
  }
  context.listeners.close();
  return is_stopped ? 1 : 0;
}

}  // namespace corelab
