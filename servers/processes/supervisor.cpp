#include "servers/processes/supervisor.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <list>
#include <optional>
#include <sstream>

#include "common/telemetry/log.hpp"
#include "servers/program/control.hpp"
#include "servers/program/drain.hpp"
#include "servers/program/signals.hpp"
#include "servers/program/successor.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto tick = 10ms;
constexpr auto slow_tick = 100ms;  // nothing is under way, and nobody asks how many wait
constexpr auto back_off_first = 100ms;
constexpr auto back_off_most = 10s;
constexpr auto lived_long_enough = 5s;  // to be no sign of a crash loop
constexpr auto kill_patience = 2s;
constexpr auto import_patience = 1s;  // of a worker that is told to leave while it starts
constexpr auto app_end_patience = 1s;
constexpr auto stopped_for = 1s;  // what no wait of the supervisor's takes
constexpr int most_failed_starts = 3;
constexpr int waited_for_elsewhere = 0xff << 8;  // the application waits for whatever child there is: nobody knows its status
constexpr int app_cannot_start = 3;  // a worker's exit code; what is wrong it has said

std::int64_t milliseconds(Clock::time_point when) { return when.time_since_epoch() / 1ms; }

unsigned most_workers(unsigned workers) { return std::max(2 * workers, workers + 8); }

struct Child {
  pid_t pid;
  std::size_t row;
  Clock::time_point started;
  unsigned generation;
  bool is_leaving = false;  // it was told to
  bool is_killed = false;
  Clock::time_point told{};
};

/// A place for a worker. While one replaces another it has two children, the newer last.
struct Slot {
  std::list<Child> children;
  int crashes = 0;  // in a row
  int failed_successors = 0;  // of this generation
  Clock::time_point start_at = Clock::time_point::min();

  bool has_worker() const { return !children.empty() && !children.back().is_leaving; }
};

class Supervisor {
 public:
  Supervisor(const CoreInfo& core, ServerContext& context, const std::function<void()>& reload)
      : core_(core), context_(context), reload_(reload), slots_(context.settings.current().workers) {}

  int run(const std::function<void()>& announce);

 private:
  void handle(signals::Signal signal);
  void drain(signals::Signal order);
  void start_missing();
  bool only_first_starts() const;
  void start(Slot& slot);
  void cannot_fork(Slot& slot);
  [[noreturn]] void be_child(unsigned slot, std::size_t row);
  void bury();
  void see_who_leaves();
  void buried(Slot& slot, const Child& child, int status);
  void kill_hung();
  void look_at_clock();
  void roll();
  void go_on_rolling();
  void leave(Child& child);
  void signal_all(int signal);
  void publish_orphans();
  void publish_waiting();
  Clock::duration start_patience() const;
  bool is_ready(const Child& child) const { return context_.counters.row(child.row).heartbeat_ms > 0; }
  std::size_t children() const;
  bool all_are_ready() const;
  bool one_has_come_up() const;
  bool is_to_start(const Slot& slot) const;
  bool needs_successor(const Slot& slot) const;
  Clock::duration back_off(Slot& slot, const Child& child, bool has_served) const;
  std::string why_it_is_hung(const Child& child) const;

  const CoreInfo& core_;
  ServerContext& context_;
  const std::function<void()>& reload_;
  std::list<Slot> slots_;
  std::size_t wanted_ = slots_.size();

  enum class Rolling { no, starting, leaving } rolling_ = Rolling::no;
  unsigned generation_ = 0;
  bool roll_again_ = false;

  bool is_draining_ = false;
  Clock::time_point drain_deadline_{}, end_at_{}, close_listeners_at_{};
  bool was_stopped_ = false;
  Clock::time_point last_look_ = Clock::now(), went_on_{};
  bool is_announced_ = false;
  bool one_was_ready_ = false;  // and is no more
  bool start_has_failed_ = false;
  int failed_starts_ = 0;  // before the announcement
  int exit_code_ = 0;
};

int Supervisor::run(const std::function<void()>& announce) {
  const Lifecycle& app = context_.app.lifecycle();
  signals::catch_children();
  if (app.starts_before_fork) start_app(context_);
  start_missing();
  for (;;) {
    bool is_settled = is_announced_ && !is_draining_ && rolling_ == Rolling::no && core_.is_loop();
    handle(signals::wait(is_settled ? slow_tick : tick));
    context_.successor->is_alive();
    bury();
    if (std::exchange(start_has_failed_, false)) {
      exit_code_ = 1;
      if (children() == 0) break;
      if (!is_draining_) drain({});
    }
    see_who_leaves();
    if (is_draining_ && children() == 0) break;
    kill_hung();
    if (is_draining_) {
      if (Clock::now() >= close_listeners_at_) context_.listeners.close();
      if (Clock::now() >= drain_deadline_) {
        log::error("workers did not end in time: killing them");
        exit_code_ = 1;
        drain_deadline_ = Clock::time_point::max();
        signal_all(SIGKILL);
      }
      continue;
    }
    start_missing();
    go_on_rolling();
    publish_orphans();
    publish_waiting();
    if (!is_announced_ && all_are_ready()) {
      is_announced_ = true;
      announce();
    }
  }
  if (app.starts_before_fork) end_app(context_, std::max(end_at_, Clock::now() + app_end_patience));
  return exit_code_;
}

bool Supervisor::all_are_ready() const {
  return std::all_of(slots_.begin(), std::next(slots_.begin(), static_cast<std::ptrdiff_t>(wanted_)),
                     [this](const Slot& slot) { return slot.has_worker() && is_ready(slot.children.back()); });
}

std::size_t Supervisor::children() const {
  std::size_t sum = 0;
  for (const Slot& slot : slots_) sum += slot.children.size();
  return sum;
}

void Supervisor::handle(signals::Signal signal) {
  switch (signal.number) {
    case SIGTERM:
    case SIGINT: drain(signal); break;
    case SIGHUP:
      if (is_draining_) break;
      reload_();
      roll();
      break;
    case SIGUSR1:
      reopen_logs(context_);
      signal_all(SIGUSR1);
      break;
    case SIGUSR2:
      is_draining_ ? log::warning("no successor is started while this program drains") : context_.successor->start(context_.listeners);
      break;
    case SIGTTIN:
      if (is_draining_) break;
      if (wanted_ == most_workers(context_.settings.current().workers)) {
        log::warning("no more workers than that: " + std::to_string(wanted_));
      } else if (++wanted_ > slots_.size()) {
        slots_.emplace_back();
      }
      break;
    case SIGTTOU:
      if (is_draining_) break;
      if (wanted_ == 1) {
        log::warning("the last worker stays");
      } else {
        for (Child& child : std::next(slots_.begin(), static_cast<std::ptrdiff_t>(--wanted_))->children) leave(child);
      }
      break;
    default: break;
  }
}

void Supervisor::drain(signals::Signal order) {
  Clock::time_point now = Clock::now();
  if (is_draining_) {
    if (context_.successor->is(order.sender)) return;
    if (!was_stopped_) log::warning("stopping at once");
    was_stopped_ = true;
    end_at_ = now;
    drain_deadline_ = now + kill_patience;
    signal_all(SIGTERM);
    return;
  }
  bool has_successor = leave_service(context_, order) == Leave::to_successor;
  is_draining_ = true;
  end_at_ = now + context_.settings.current().graceful_timeout;
  drain_deadline_ = end_at_ + kill_patience;
  close_listeners_at_ = has_successor ? now : now + 100ms;  // the children take what is queued, and close theirs
  for (Slot& slot : slots_) {
    for (Child& child : slot.children) leave(child);
  }
}

void Supervisor::leave(Child& child) {
  if (child.is_leaving) return;
  child.is_leaving = true;
  child.told = Clock::now();
  kill(child.pid, SIGTERM);
}

void Supervisor::signal_all(int signal) {
  for (Slot& slot : slots_) {
    for (Child& child : slot.children) kill(child.pid, signal);
  }
}

// --- Starting and burying ---

// An app that cannot start is to say so once, and not from every worker.
bool Supervisor::only_first_starts() const {
  const Lifecycle& app = context_.app.lifecycle();
  if (is_announced_ || !app.start || app.starts_before_fork) return false;
  return !slots_.front().has_worker() || !is_ready(slots_.front().children.back());
}

void Supervisor::start_missing() {
  std::size_t index = 0, most = only_first_starts() ? 1 : wanted_;
  for (Slot& slot : slots_) {
    if (index++ < most && is_to_start(slot)) start(slot);
  }
}

bool Supervisor::is_to_start(const Slot& slot) const {
  if (Clock::now() < slot.start_at) return false;
  return !slot.has_worker() || needs_successor(slot);
}

bool Supervisor::needs_successor(const Slot& slot) const {
  return rolling_ == Rolling::starting && slot.has_worker() && slot.children.back().generation != generation_ &&
         slot.failed_successors < most_failed_starts;
}

void Supervisor::start(Slot& slot) {
  unsigned index = 0;
  for (auto it = slots_.begin(); &*it != &slot; ++it) ++index;
  pid_t supervisor = getpid();
  std::optional<std::size_t> free_row = context_.counters.claim(supervisor);  // the child's id is not known yet
  if (!free_row) {
    static log::Throttle throttle;
    if (throttle.is_due()) log::warning("a worker starts later: too many that are to end still serve their last requests");
    slot.start_at = Clock::now() + back_off_first;
    return;
  }
  std::size_t row = *free_row;
  const Lifecycle& app = context_.app.lifecycle();
  if (app.starts_before_fork) Lifecycle::call(app.before_fork);
  pid_t pid = [] {
    signals::OwnFork own;
    return fork();
  }();
  if (app.starts_before_fork) Lifecycle::call(pid == 0 ? app.after_fork_in_child : app.after_fork_in_parent);
  if (pid < 0) {
    cannot_fork(slot);
    context_.counters.row(row).pid = 0;
    return;
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) std::_Exit(1);
    be_child(index, row);
  }
  context_.counters.row(row).pid = pid;
  slot.children.push_back({pid, row, Clock::now(), generation_});
}

// (errno is fork's.)
void Supervisor::cannot_fork(Slot& slot) {
  std::string why = std::string("cannot start a worker process: ") + std::strerror(errno);
  slot.start_at = Clock::now() + back_off_most;
  if (!is_announced_) {
    if (!start_has_failed_) log::error(why + " (fewer --workers, or a higher limit of processes: ulimit -u, pids.max)");
    start_has_failed_ = true;
    return;
  }
  static log::Throttle throttle;
  slot.start_at = Clock::now() + 1s;
  if (throttle.is_due()) log::error(why + ": trying again");
}

void Supervisor::be_child(unsigned slot, std::size_t row) {
  int exit_code = cannot_serve;
  try {
    context_.first_row = row;
    context_.first_queue = slot % context_.listeners.queues();
    if (!context_.app.lifecycle().starts_before_fork) {
      try {
        start_app(context_);
      } catch (const std::exception& error) {
        log::error(error.what());
        std::_Exit(app_cannot_start);
      }
    }
    WorkerCounters& counters = context_.counters.row(row);
    exit_code = serve_to_the_end(core_, context_, {.is_child = true, .beats = !core_.is_loop()},
                                 [&] { counters.heartbeat_ms = milliseconds(Clock::now()); });
  } catch (const std::exception& error) {
    log::error(std::string("a worker could not serve: ") + error.what());
  }
  if (context_.trace) context_.trace->end_process();
  // The supervisor's files and sockets are not the child's to remove.
  std::_Exit(exit_code);
}

// A worker that has served --max-requests drains of its own accord: its successor starts meanwhile.
void Supervisor::see_who_leaves() {
  for (Slot& slot : slots_) {
    for (Child& child : slot.children) child.is_leaving |= context_.counters.row(child.row).is_leaving;
  }
}

// Only its own children: the application may have some, and waits for them itself.
void Supervisor::bury() {
  for (Slot& slot : slots_) {
    std::erase_if(slot.children, [this, &slot](const Child& child) {
      int status = 0;
      pid_t ended = waitpid(child.pid, &status, WNOHANG);
      if (ended < 0 && errno == ECHILD) status = waited_for_elsewhere;
      else if (ended != child.pid) return false;
      buried(slot, child, status);
      return true;
    });
  }
}

void Supervisor::buried(Slot& slot, const Child& child, int status) {
  const WorkerCounters& row = context_.counters.row(child.row);
  bool was_leaving = child.is_leaving || row.is_leaving, was_ready = is_ready(child), has_served = row.requests > 0;
  one_was_ready_ |= was_ready;
  context_.counters.retire(child.row);
  if (context_.lock_times != nullptr) context_.lock_times->retired().absorb(context_.lock_times->row(child.row));
  if (was_leaving) {
    bool is_clean = (WIFEXITED(status) && WEXITSTATUS(status) == 0) || status == waited_for_elsewhere || !was_ready;
    if (!is_clean && is_draining_) exit_code_ = 1;
    return;
  }
  if (!is_announced_ && WIFEXITED(status) && (WEXITSTATUS(status) == app_cannot_start || WEXITSTATUS(status) == cannot_serve)) {
    start_has_failed_ = true;
    return;
  }
  if (!one_has_come_up() && ++failed_starts_ == most_failed_starts) {
    log::error("no worker has come up in " + std::to_string(most_failed_starts) + " tries: giving up");
    start_has_failed_ = true;
    return;
  }
  // Code that cannot be imported cannot be the next time; of anything else there are a few tries.
  if (!was_ready && child.generation == generation_) {
    slot.failed_successors = WIFEXITED(status) && WEXITSTATUS(status) == app_cannot_start ? most_failed_starts : slot.failed_successors + 1;
  }
  bool predecessor_stays = slot.children.size() > 1 && slot.failed_successors >= most_failed_starts;
  Clock::duration delay = back_off(slot, child, has_served);
  slot.start_at = Clock::now() + delay;
  std::string how = WIFSIGNALED(status)              ? "was killed by signal " + std::to_string(WTERMSIG(status))
                    : status == waited_for_elsewhere ? "has ended, and the application has taken its status"
                                                     : "ended with code " + std::to_string(WEXITSTATUS(status));
  std::string what_next = predecessor_stays ? "its predecessor stays"
                          : delay > 0ms     ? "another starts in " + std::to_string(delay / 1ms) + " ms"
                                            : "another starts";
  log::error("worker " + std::to_string(child.pid) + " " + how + "; " + what_next);
}

bool Supervisor::one_has_come_up() const {
  return one_was_ready_ || std::any_of(slots_.begin(), slots_.end(), [this](const Slot& slot) {
           return std::any_of(slot.children.begin(), slot.children.end(), [this](const Child& child) { return is_ready(child); });
         });
}

// Who has served, or lived for a while, is no sign that the next would die, too. Some worker there is always to be.
Clock::duration Supervisor::back_off(Slot& slot, const Child& child, bool has_served) const {
  if (has_served || Clock::now() - child.started >= lived_long_enough) {
    slot.crashes = 0;
    return 0ms;
  }
  bool others_live = std::any_of(slots_.begin(), slots_.end(), [&child](const Slot& other) {
    return std::any_of(other.children.begin(), other.children.end(),
                       [&child](const Child& one) { return one.pid != child.pid && !one.is_leaving; });
  });
  if (!others_live) return back_off_first;
  return std::min<Clock::duration>(back_off_first * (1 << std::min(slot.crashes++, 10)), back_off_most);
}

Clock::duration Supervisor::start_patience() const {
  const Settings& settings = context_.settings.current();
  return settings.start_timeout.count() > 0 ? settings.start_timeout : 4 * settings.timeout;
}

// Where the supervisor itself was stopped (SIGSTOP to the group, a machine that sleeps), its workers were, too: whatever they
// are late with, they have all their time again.
void Supervisor::look_at_clock() {
  Clock::time_point now = Clock::now();
  if (now - last_look_ > stopped_for) went_on_ = now;
  last_look_ = now;
}

void Supervisor::kill_hung() {
  look_at_clock();
  for (Slot& slot : slots_) {
    for (Child& child : slot.children) {
      std::string why = child.is_killed ? "" : why_it_is_hung(child);
      if (why.empty()) continue;
      log::error("worker " + std::to_string(child.pid) + " " + why + ": killing it");
      kill(child.pid, SIGKILL);
      child.is_killed = true;
    }
  }
}

// Nothing, if it is not. A drain has a deadline of its own for those who serve.
std::string Supervisor::why_it_is_hung(const Child& child) const {
  Clock::time_point now = Clock::now();
  const WorkerCounters& row = context_.counters.row(child.row);
  if (!is_ready(child)) {
    if (child.is_leaving) return now - child.told > import_patience ? "goes on importing its application" : "";
    if (start_patience().count() == 0 || now - std::max(child.started, went_on_) <= start_patience()) return {};
    std::ostringstream seconds;
    seconds << std::chrono::duration<double>(start_patience()).count();
    return "has not come up in " + seconds.str() +
           " s, importing its application: give it more time (--start-timeout, by default four times --timeout), or "
           "import it once, ahead of the workers (--preload)";
  }
  auto patience = context_.settings.current().timeout;
  if (is_draining_ || patience.count() == 0) return {};
  std::int64_t busy_since = row.busy_since_ms, heartbeat = row.heartbeat_ms;
  auto is_too_long = [&](std::int64_t since) { return milliseconds(now) - std::max(since, milliseconds(went_on_)) > patience.count(); };
  if (busy_since > 0 && is_too_long(busy_since)) return "is stuck in a request";
  return is_too_long(heartbeat) ? "gives no sign of life" : "";
}

// --- HUP: a new generation, then the old one leaves ---

void Supervisor::roll() {
  if (rolling_ != Rolling::no) {
    roll_again_ = true;
    return;
  }
  rolling_ = Rolling::starting;
  ++generation_;
  for (Slot& slot : slots_) {
    slot.failed_successors = 0;
    slot.start_at = Clock::time_point::min();
  }
}

void Supervisor::go_on_rolling() {
  if (rolling_ == Rolling::starting) {
    bool all_ready = std::all_of(slots_.begin(), slots_.end(), [this](const Slot& slot) {
      return slot.children.empty() || (is_ready(slot.children.back()) && !needs_successor(slot));
    });
    if (!all_ready) return;  // who does not come up in a few tries is given up, and its predecessor stays
    for (Slot& slot : slots_) {
      for (Child& child : slot.children) {
        if (&child != &slot.children.back()) leave(child);
      }
    }
    rolling_ = Rolling::leaving;
  }
  if (rolling_ == Rolling::leaving) {
    // The old generation's rows are needed before another one can start.
    if (std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.children.size() > 1; })) return;
    rolling_ = Rolling::no;
    if (std::exchange(roll_again_, false)) roll();
  }
}

// --- What the children are told ---

void Supervisor::publish_orphans() {
  if (!core_.own_queues || !is_announced_) return;  // (until then a predecessor may serve on the same sockets)
  unsigned queues = context_.listeners.queues();
  std::vector<bool> alive(queues, false);
  unsigned index = 0;
  for (const Slot& slot : slots_) {
    if (index < wanted_ && slot.has_worker()) alive[index % queues] = true;
    ++index;
  }
  std::uint64_t orphans = 0;
  for (unsigned queue = 0; queue < std::min(queues, 64u); ++queue) {
    if (!alive[queue]) orphans |= std::uint64_t{1} << queue;
  }
  if (context_.counters.orphaned_queues().exchange(orphans) != orphans) context_.listeners.steer_to(alive);
}

// Workers that block take one connection each. When none is free and somebody waits, they give up idle keep-alives:
// answers end their connections, and as many workers as have nothing but an idle one are told to end it.
void Supervisor::publish_waiting() {
  if (core_.is_loop() || context_.settings.current().keep_alive_policy != KeepAlivePolicy::yield) return;
  std::vector<pid_t> idle;
  for (const Slot& slot : slots_) {
    for (const Child& child : slot.children) {
      const WorkerCounters& row = context_.counters.row(child.row);
      if (child.is_leaving || !is_ready(child)) continue;
      if (row.accepting > 0) {
        context_.counters.others_wait() = false;
        return;
      }
      if (row.busy_since_ms == 0) idle.push_back(child.pid);
    }
  }
  unsigned waiting = context_.listeners.waiting();
  context_.counters.others_wait() = waiting > 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(waiting, idle.size()); ++i) kill(idle[i], SIGUSR2);
}

}  // namespace

std::size_t max_rows(unsigned workers) { return 2 * std::size_t{most_workers(workers)}; }

int supervise(const CoreInfo& core, ServerContext& context, const std::function<void()>& announce,
              const std::function<void()>& reload) {
  return Supervisor(core, context, reload).run(announce);
}

}  // namespace corelab
