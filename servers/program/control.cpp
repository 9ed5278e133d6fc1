#include "servers/program/control.hpp"

#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "common/telemetry/log.hpp"
#include "servers/driver/handler_watch.hpp"
#include "servers/driver/poll.hpp"
#include "servers/program/drain.hpp"
#include "servers/program/signals.hpp"
#include "servers/program/spare_memory.hpp"
#include "servers/program/successor.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto heartbeat = 250ms;
// How soon it is seen that the application has taken a signal for itself.
constexpr auto look_at_handlers = std::chrono::seconds(1);
constexpr auto look_during_import = 100ms;
constexpr std::chrono::milliseconds look_at_memory = 1s;

const Lifecycle* attended = nullptr;
ListenerSet* listeners_to_unlink = nullptr;

/// While it lives, what the application takes of the server's signals is taken back a moment later: it may be long in its
/// import, and only then in a place where it would be looked at.
class Reclaiming {
 public:
  explicit Reclaiming(bool is_needed) {
    sem_init(&ends_, 0, 0);
    if (is_needed) thread_ = std::thread([this] { run(); });
  }
  ~Reclaiming() {
    sem_post(&ends_);
    if (thread_.joinable()) thread_.join();
    sem_destroy(&ends_);
  }
  Reclaiming(const Reclaiming&) = delete;

 private:
  void run() {
    for (;;) {
      timespec until{};
      clock_gettime(CLOCK_MONOTONIC, &until);
      long ns = until.tv_nsec + std::chrono::nanoseconds(look_during_import).count();
      until = {until.tv_sec + ns / 1'000'000'000, ns % 1'000'000'000};
      if (sem_clockwait(&ends_, CLOCK_MONOTONIC, &until) == 0) return;
      if (errno == ETIMEDOUT) reclaim_signals();
    }
  }

  sem_t ends_;
  std::thread thread_;
};

/// What the control thread does, and what it and the main thread wait for from each other.
class Control {
 public:
  Control(Server& server, ServerContext& context, const Role& role) : server_(server), context_(context), role_(role) {
    sem_init(&server_ends_, 0, 0);
  }
  ~Control() { sem_destroy(&server_ends_); }

  /// Control thread. Returns the exit code.
  int run();

  /// Main thread: until the server has ended, and the control thread touches it no more.
  void wait_for_servers_end();
  /// Main thread: nothing of the application runs any more.
  void app_has_ended() { app_has_ended_ = true; }

 private:
  signals::Signal wait_for_order();
  void beat();
  void shed();
  bool has_app() const { return context_.app.lifecycle().attend != nullptr; }

  Server& server_;
  ServerContext& context_;
  const Role& role_;
  SpareMemory spare_memory_;
  Clock::time_point shed_ = Clock::now();
  std::atomic<bool> server_has_ended_{false}, app_has_ended_{false};
  sem_t server_ends_;  // wakes the main thread
};

int Control::run() {
  Drain drain(server_, context_, role_.is_child, wait_for_order());
  auto alive = [this] { beat(); };
  bool is_whole = drain.end_server(alive);
  server_has_ended_ = true;
  sem_post(&server_ends_);
  drain.end_app(app_has_ended_, alive);
  return is_whole ? 0 : 1;
}

// TERM, or INT where that is its own; sees to the other signals meanwhile.
signals::Signal Control::wait_for_order() {
  for (;;) {
    bool has_successor = !role_.is_child && context_.successor->is_alive();  // says so when it has ended
    signals::Signal signal = signals::wait(role_.beats || has_successor ? heartbeat : look_at_memory);
    beat();
    shed();
    if (has_app()) reclaim_signals();
    switch (signal.number) {
      case SIGINT:
        if (role_.is_child) break;  // the terminal sends it to all; the supervisor says what it means
        return signal;
      case SIGTERM: return signal;
      case SIGHUP:
        if (!role_.reload) break;
        role_.reload();
        context_.handler_watch->set_limit(context_.settings.current().slow_handler);
        break;
      case SIGUSR1: reopen_logs(context_); break;
      case SIGUSR2:  // to a worker, its supervisor's word that others wait for one
        role_.is_child ? server_.yield_idle() : context_.successor->start(context_.listeners);
        break;
      default: break;
    }
  }
}

void Control::shed() {
  Clock::time_point now = Clock::now();
  if (now - shed_ < look_at_memory) return;
  shed_ = now;
  server_.shed();
  spare_memory_.look(now);
}

void Control::beat() {
  if (!role_.beats) return;
  std::int64_t now = Clock::now().time_since_epoch() / 1ms;
  context_.counters.row(context_.first_row).heartbeat_ms.store(now, std::memory_order_relaxed);
}

void Control::wait_for_servers_end() {
  while (!server_has_ended_) {
    if (!has_app()) {
      sem_wait(&server_ends_);
      continue;
    }
    timespec until{};
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += look_at_handlers.count();
    if (sem_clockwait(&server_ends_, CLOCK_MONOTONIC, &until) != 0) interrupted();
  }
}

}  // namespace

void reclaim_signals() {
  for (const std::string& name : signals::reclaim()) {
    log::warning("the application's handler for " + name + " is never called: that signal is the server's");
  }
}

void start_app(const ServerContext& context) {
  const Lifecycle& app = context.app.lifecycle();
  if (!app.start) return;
  attended = &app;
  if (app.attend) attend_interruption = [] {
    if (signals::application_has_handlers()) attended->attend();
  };
  listeners_to_unlink = &context.listeners;
  {
    signals::EndAtOnce while_it_starts(std::string(context.program) + ": ended while the application was being imported\n",
                                       [] { listeners_to_unlink->unlink_names(); });
    Reclaiming meanwhile(app.attend != nullptr);
    app.start();
  }
  if (app.attend) reclaim_signals();
}

int serve_to_the_end(const CoreInfo& core, ServerContext& context, const Role& role, const std::function<void()>& is_ready) {
  std::optional<HandlerWatch> watch(std::in_place, context.app.lifecycle());
  context.handler_watch = &*watch;
  watch->set_limit(context.settings.current().slow_handler);
  std::unique_ptr<Server> server = core.make(context);
  server->start();
  Control control(*server, context, role);
  int exit_code = 1;
  std::thread thread;
  try {
    thread = std::thread([&] { exit_code = control.run(); });
  } catch (const std::system_error& error) {  // the server cannot be told to end
    log::error(std::string("cannot start a thread: ") + error.what());
    context.take_names_away();
    _exit(role.is_child ? cannot_serve : 1);
  }
  Lifecycle::call(is_ready);
  server->serve_here();
  control.wait_for_servers_end();
  server.reset();
  watch.reset();
  Lifecycle::call(context.app.lifecycle().end);
  control.app_has_ended();
  thread.join();
  return exit_code;
}

void end_app(const ServerContext& context, Deadline until) {
  std::atomic<bool> has_ended{false};
  std::thread watch([&] {
    watch_app_end(context, until, has_ended, [] {
      int number = signals::wait(10ms).number;
      return number == SIGTERM || number == SIGINT;
    });
  });
  Lifecycle::call(context.app.lifecycle().end);
  has_ended = true;
  watch.join();
}

}  // namespace corelab
