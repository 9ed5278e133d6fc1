#include "servers/program/signals.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/net/descriptor_limit.hpp"
#include "common/net/own_descriptors.hpp"

namespace corelab::signals {

void end_at_once();

namespace {

constexpr std::array caught = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGCHLD};
constexpr int most = 65;

struct Notes {
  std::atomic<unsigned> from_parent{0}, from_others{0};
  std::atomic<pid_t> other{0};
};

std::array<Notes, most> notes;
sem_t something_noted;
std::atomic<pid_t> owner{0};
thread_local bool is_own_fork = false;
bool catches_children = false;
std::atomic<const EndAtOnce*> ends_at_once{nullptr};
std::array<std::atomic<const struct sigaction*>, most> applications{};  // its handlers, called behind ours
std::array<bool, most> is_reported{};
std::atomic<bool> has_application_handlers{false};

// As if it had never been caught: the signal comes again when the handler returns.
void do_default(int number) {
  signal(number, SIG_DFL);
  raise(number);
}

void install(int number, int others = SA_RESTART);

// The application's handler, behind ours. It may call the one before, which is ours again, by a signal (faulthandler does)
// or by a call.
void call_behind(const struct sigaction& theirs, int number, siginfo_t* about, void* context) {
  static thread_local volatile sig_atomic_t is_in_theirs = 0;
  if (is_in_theirs != 0) return;
  is_in_theirs = 1;
  sigset_t own, before;
  sigemptyset(&own);
  sigaddset(&own, number);
  if ((theirs.sa_flags & SA_NODEFER) != 0) pthread_sigmask(SIG_UNBLOCK, &own, &before);
  (theirs.sa_flags & SA_SIGINFO) != 0 ? theirs.sa_sigaction(number, about, context) : theirs.sa_handler(number);
  if ((theirs.sa_flags & SA_NODEFER) != 0) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  install(number, theirs.sa_flags);  // it may have put itself back in our place
  is_in_theirs = 0;
}

void take_note(int number, siginfo_t* about, void* context) {
  int error = errno;
  if (getpid() != owner.load(std::memory_order_relaxed)) {  // between a fork and what is made of it
    do_default(number);
  } else {
    if (number == SIGTERM || number == SIGINT) end_at_once();
    const struct sigaction* theirs = applications[static_cast<std::size_t>(number)].load();
    Notes& note = notes[static_cast<std::size_t>(number)];
    if (about->si_pid == getppid()) {
      ++note.from_parent;
    } else {
      note.other = about->si_pid;
      ++note.from_others;
    }
    sem_post(&something_noted);
    if (theirs != nullptr) call_behind(*theirs, number, about, context);
  }
  errno = error;
}

// `others`: of a handler that is called behind ours.
void install(int number, int others) {
  struct sigaction action{};
  action.sa_sigaction = take_note;
  // Calls that can go on do; those of the main thread do not if the application waits for that (siginterrupt(3)).
  action.sa_flags = SA_SIGINFO | (others & (SA_RESTART | SA_ONSTACK));
  sigaction(number, &action, nullptr);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == take_note;
}

bool is_a_handler(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

// faulthandler's.
bool is_about_a_fault(int number) {
  return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGABRT;
}

void own_notes() {
  owner = getpid();
  for (Notes& note : notes) note.from_parent = note.from_others = 0;
  sem_init(&something_noted, 0, 0);
}

// To the application, or to what it was before.
void give_back(int number) {
  const struct sigaction* theirs = applications[static_cast<std::size_t>(number)].load();
  if (theirs != nullptr) {
    sigaction(number, theirs, nullptr);
  } else {
    signal(number, SIG_DFL);
  }
}

void in_child() {
  if (is_own_fork) {
    own_notes();
    if (std::exchange(catches_children, false)) give_back(SIGCHLD);
    return;
  }
  for (int number : caught) {
    if (number != SIGCHLD || catches_children) give_back(number);
  }
  own_descriptors::close_all();
  descriptor_limit::restore();
}

Signal next() {
  for (int number : caught) {
    Notes& note = notes[static_cast<std::size_t>(number)];
    if (note.from_parent > 0) {
      --note.from_parent;
      return {number, getppid()};
    }
    if (note.from_others > 0) {
      --note.from_others;
      return {number, note.other};
    }
  }
  return {};
}

}  // namespace

void end_at_once() {
  const EndAtOnce* how = ends_at_once.load();
  if (how == nullptr) return;
  if (how->clean_up_ != nullptr) how->clean_up_();
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, how->sentence_.data(), how->sentence_.size());
  _exit(0);
}

void catch_all() {
  own_notes();
  sigset_t set;
  sigemptyset(&set);
  for (int number : caught) {
    if (number == SIGCHLD) continue;
    install(number);
    sigaddset(&set, number);
  }
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);  // whoever has started us may have blocked them
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  pthread_atfork(nullptr, nullptr, in_child);
}

void catch_children() {
  catches_children = true;
  install(SIGCHLD);
}

OwnFork::OwnFork() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
  is_own_fork = true;
}

OwnFork::~OwnFork() {
  is_own_fork = false;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Signal wait(std::chrono::milliseconds timeout) {
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  std::int64_t ns = until.tv_nsec + timeout.count() % 1000 * 1'000'000;
  until.tv_sec += timeout.count() / 1000 + ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  for (;;) {
    if (Signal noted = next(); noted.number != 0) return noted;
    if (sem_clockwait(&something_noted, CLOCK_MONOTONIC, &until) != 0 && errno == ETIMEDOUT) return next();
  }
}

EndAtOnce::EndAtOnce(std::string sentence, void (*clean_up)()) : sentence_(std::move(sentence)), clean_up_(clean_up) {
  ends_at_once = this;
  // What was noted before there was a way of saying so.
  if (notes[SIGTERM].from_parent + notes[SIGTERM].from_others + notes[SIGINT].from_parent + notes[SIGINT].from_others > 0)
    end_at_once();
}

EndAtOnce::~EndAtOnce() { ends_at_once = nullptr; }

std::vector<std::string> reclaim() {
  std::vector<std::string> names;
  bool has_some = false;
  for (int number : caught) {
    struct sigaction now{};
    sigaction(number, nullptr, &now);
    auto index = static_cast<std::size_t>(number);
    if (is_ours(now) || (number == SIGCHLD && !catches_children)) continue;
    if (number == SIGUSR1 || number == SIGCHLD) {
      // Kept for ever: a handler may be about to call the one before.
      applications[index] = is_a_handler(now) ? new struct sigaction(now) : nullptr;
      install(number, now.sa_flags);
      continue;
    }
    install(number);
    if (!std::exchange(is_reported[index], true)) names.push_back(std::string("SIG") + sigabbrev_np(number));
  }
  for (int number = 1; number < most; ++number) {
    struct sigaction now{};
    has_some |= applications[static_cast<std::size_t>(number)] != nullptr ||
                (!is_about_a_fault(number) && sigaction(number, nullptr, &now) == 0 && is_a_handler(now) && !is_ours(now));
  }
  has_application_handlers = has_some;
  return names;
}

bool application_has_handlers() { return has_application_handlers; }

}  // namespace corelab::signals
