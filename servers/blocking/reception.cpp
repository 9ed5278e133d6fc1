#include "servers/blocking/reception.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "common/telemetry/log.hpp"
#include "servers/blocking/serve.hpp"
#include "servers/driver/connection.hpp"
#include "servers/driver/poll.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto look_at_newcomers = 10ms;
// As long as connections have ended within this time it looks for more by itself: to wake it for each costs more.
constexpr auto look_at_leaving = 100ms;

void add(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

}  // namespace

Reception::Reception(const ServerContext& context, Core& core, std::atomic<std::int64_t>* accepting)
    : context_(context),
      core_(core),
      accepting_(accepting),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "cannot watch the listeners");
  add(epoll_.get(), wake_.get(), EPOLLIN);
  set_receive_timeouts();
}

// Accepted sockets inherit their listener's.
void Reception::set_receive_timeouts() {
  settings_ = &context_.settings.current();
  for (int listener : context_.listeners.queue(context_.first_queue)) set_receive_timeout(listener, *settings_);
}

void Reception::wake() {
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(wake_.get(), &one, sizeof one);
}

void Reception::stop_accepting() {
  is_to_stop_ = true;
  wake();
}

void Reception::cut() {
  is_cut_ = true;
  wake();
}

void Reception::see_out(Fd fd) {
  bool is_to_be_woken = false;
  {
    std::lock_guard lock(mutex_);
    to_leave_.push_back(std::move(fd));
    is_to_be_woken = std::exchange(sleeps_, false);
  }
  if (is_to_be_woken) wake();
}

void Reception::run() {
  for (;;) {
    Clock::time_point now = Clock::now();
    take_leaving();
    departures_.look(now, is_to_stop_);
    look_at_room();
    if (!is_accepting_ && core_.open() == 0 && nobody_leaves()) return;

    std::array<epoll_event, 64> events;
    auto timeout = patience(now);
    if (accepting_ != nullptr) accepting_->store(is_listening_ ? 1 : 0, std::memory_order_relaxed);
    int ready = epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(timeout.count()));
    if (accepting_ != nullptr) accepting_->store(0, std::memory_order_relaxed);
    if (ready < 0) interrupted();
    for (int i = 0; i < ready; ++i) {
      int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == wake_.get()) {
        std::uint64_t count = 0;
        [[maybe_unused]] ssize_t n = read(fd, &count, sizeof count);
      } else {
        accept_from(fd);
      }
    }
  }
}

// How long it may wait for an event.
std::chrono::milliseconds Reception::patience(Clock::time_point now) {
  auto least = -1ms;
  auto at_most = [&least](std::chrono::milliseconds time) { least = least < 0ms ? time : std::min(least, time); };
  if (newcomers_waited_ || (!is_listening_ && is_accepting_)) at_most(look_at_newcomers);
  if (!departures_.empty()) at_most(std::max(std::chrono::ceil<std::chrono::milliseconds>(departures_.next_look() - now), 0ms));
  if (now - last_departure_ < look_at_leaving) at_most(look_at_leaving);
  if (least >= 0ms) return least;
  std::lock_guard lock(mutex_);
  sleeps_ = to_leave_.empty();
  return sleeps_ ? -1ms : 0ms;
}

// --- Accepting ---

void Reception::look_at_room() {
  bool has_room = core_.open() < core_.cap();
  bool is_to_stop = is_to_stop_;
  bool is_able = has_room && Clock::now() >= paused_until_;
  bool is_kept = context_.keeps_control() && !is_cut_;
  listen(!is_able      ? Listening::to_nobody
         : !is_to_stop ? Listening::to_all
         : is_kept     ? Listening::to_control
                       : Listening::to_nobody);
  is_accepting_ = !is_to_stop;
  unsigned newcomers = core_.waiting() + (has_room || !is_accepting_ ? 0 : context_.listeners.waiting());
  if (newcomers > 0 || newcomers_waited_) core_.on_waiting(newcomers);
  newcomers_waited_ = newcomers > 0;
}

void Reception::listen(Listening wanted) {
  if (wanted == listening_) return;
  for (int listener : context_.listeners.queue(context_.first_queue)) {
    auto includes = [&](Listening whom) {
      return whom == Listening::to_all || (whom == Listening::to_control && context_.is_control(listener));
    };
    if (includes(wanted) == includes(listening_)) continue;
    // Processes that share a listener are woken one at a time.
    if (includes(wanted)) {
      add(epoll_.get(), listener, EPOLLIN | EPOLLEXCLUSIVE);
    } else {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener, nullptr);
    }
  }
  listening_ = wanted;
  is_listening_ = wanted == Listening::to_all;
}

void Reception::accept_from(int listener) {
  if (listening_ == Listening::to_nobody || core_.open() >= core_.cap()) return;
  Accepted accepted = accept_connection(listener, true);
  switch (accepted.outcome) {
    case Accepted::Outcome::none: return;
    case Accepted::Outcome::exhausted:
      warn_of_exhaustion();
      paused_until_ = Clock::now() + exhaustion_pause;
      look_at_room();
      return;
    case Accepted::Outcome::connection: break;
  }
  bool was_reloaded = settings_ != &context_.settings.current();
  if (was_reloaded) set_receive_timeouts();
  // A UNIX domain socket does not inherit its listener's time-outs.
  if (was_reloaded || accepted.peer.family == Peer::Family::local) set_receive_timeout(accepted.fd.get(), *settings_);
  core_.on_connection(std::move(accepted), context_.is_control(listener));
}

// --- Seeing out ---

bool Reception::nobody_leaves() {
  std::lock_guard lock(mutex_);
  return departures_.empty() && to_leave_.empty();
}

void Reception::take_leaving() {
  std::vector<Fd> fresh;
  {
    std::lock_guard lock(mutex_);
    fresh.swap(to_leave_);
    sleeps_ = false;
  }
  Clock::time_point now = Clock::now();
  std::size_t most = std::max(core_.cap(), context_.settings.current().worker_connections);
  for (Fd& fd : fresh) departures_.add(std::move(fd), now, most);
  if (!fresh.empty()) last_departure_ = now;
  if (is_cut_) departures_.clear();
}

}  // namespace corelab
