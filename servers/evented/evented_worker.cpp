#include "servers/evented/evented_worker.hpp"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "servers/driver/poll.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;
constexpr auto tick_interval = 100ms;
constexpr unsigned ticks_to_shed = 10;
constexpr std::size_t room_for_control = 16;  // connections
constexpr auto helper_patience = 1ms;  // what a call may wait for the end of another, while there are idle helpers

void made(HelperJob& job) { job.connection->worker().call_made(*job.connection, job.connection->is_answered_by_helper()); }

}  // namespace

struct EventedWorker::Listener final : Watcher {
  Listener(EventedWorker& owner, int listening, bool control)
      : worker(owner), fd(listening), is_control(control), watch(owner.reactor_->watch(listening, *this)) {}
  void on_ready(Events) override { worker.accept_from(*this); }

  EventedWorker& worker;
  int fd;
  bool is_control;
  std::unique_ptr<Watch> watch;
};

EventedWorker::EventedWorker(const ServerContext& context, unsigned index, bool is_alone, std::unique_ptr<Reactor> reactor)
    : context_(context),
      queue_(context.first_queue + index),
      reactor_(std::move(reactor)),
      driver_{context, context.counters.row(context.first_row + index), sessions_, draining_},
      offload_helpers_(context.settings.current().offload_threads, made, driver_.counters.queue_depth, context.trace),
      route_helpers_(context.settings.current().offload, made, driver_.counters.queue_depth, context.trace) {
  driver_.lock_times = context.lock_times_of(context.first_row + index);
  driver_.turn = &turn_;
  driver_.note_progress = HelperThreads::note_progress;
  if (context.settings.current().offload > 0) {
    driver_.call_elsewhere = EventedConnection::call_on_helper;
  } else if (is_alone && context.app.lifecycle().let_go) {
    driver_.lock_keeper = this;
  }
}

EventedWorker::~EventedWorker() = default;

void EventedWorker::run() {
  if (context_.trace) context_.trace->name_thread("loop " + std::to_string(queue_));
  if (driver_.call_elsewhere != nullptr && context_.app.otherwise_blocks()) wait_for_helpers();
  listen_to(queue_);
  watch_listeners();
  tick_due_ = Clock::now() + tick_interval;
  set_timer(tick_, tick_due_);
  reactor_->run(*this);
  serving() = {};  // there is no end of a batch any more to give the lock back
  let_lock_go();
  if (context_.trace) context_.trace->flush_thread();
  is_finished_.store(true, std::memory_order_release);
}

// Nearly every request is for a helper. Woken for each, the loop would take the CPU from the call before, which costs that
// call up to twice its time in interrupts and caches. As SCHED_BATCH it runs when a helper sleeps, or the helper's slice is
// over; the helpers inherit that and do likewise. Where there are CPUs enough nothing changes (sched(7)).
void EventedWorker::wait_for_helpers() {
  sched_param priority{};
  sched_setscheduler(0, SCHED_BATCH, &priority);
}

// --- Accepting ---

void EventedWorker::listen_to(unsigned queue) {
  std::span<const int> sockets = context_.listeners.queue(queue), own = context_.listeners.queue(queue_);
  std::vector<std::unique_ptr<Listener>>& list = queue == queue_ ? listeners_ : adopted_;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    bool is_shared = queue != queue_ && std::find(own.begin(), own.end(), sockets[i]) != own.end();
    if (is_shared) continue;
    bool is_control = i + context_.control_listeners >= sockets.size();
    list.push_back(std::make_unique<Listener>(*this, sockets[i], is_control));
  }
}

void EventedWorker::accept_from(Listener& listener) {
  Accepted accepted = accept_connection(listener.fd, false);
  switch (accepted.outcome) {
    case Accepted::Outcome::none: return;
    case Accepted::Outcome::exhausted:
      warn_of_exhaustion();
      is_paused_ = true;
      set_timer(resume_accepting_, Clock::now() + exhaustion_pause);
      watch_listeners();
      return;
    case Accepted::Outcome::connection: break;
  }
  EventedConnection* connection = nullptr;
  try {
    connection = new EventedConnection(*this, std::move(accepted), listener.is_control);
  } catch (const std::exception& error) {
    static log::Throttle throttle;
    if (throttle.is_due()) log::error(std::string("a connection is dropped: ") + error.what());
    return;
  }
  open_.add(*connection);
  if (is_full()) watch_listeners();
}

void EventedWorker::remove(EventedConnection& connection) {
  bool was_full = is_full();
  (connection.is_seen_out() ? leaving_ : open_).remove(connection);
  if (!waiting_for_turn_.empty()) give_up_turn(connection);
  delete &connection;
  if (was_full) watch_listeners();
  finish_if_done();
}

// Who stays, though its connection is ended, takes nobody's place; but there are no more of those than of the others.
void EventedWorker::sees_out(EventedConnection& connection) {
  bool was_full = is_full();
  open_.remove(connection);
  leaving_.add(connection);
  if (was_full) watch_listeners();
  if (leaving_.size() > context_.settings.current().worker_connections) remove(*leaving_.oldest());
}

bool EventedWorker::is_full() const { return open_.size() >= context_.settings.current().worker_connections; }

// At the cap, and when the system is out of descriptors, connections wait in the kernel's queue. Who watches the server is
// let in beyond the cap.
void EventedWorker::watch_listeners() {
  if (is_paused_ && !resume_accepting_.is_set()) is_paused_ = false;
  std::size_t cap = context_.settings.current().worker_connections;
  for (auto* list : {&listeners_, &adopted_}) {
    for (auto& listener : *list) {
      bool wanted = !is_paused_ && open_.size() < (listener->is_control ? cap + room_for_control : cap);
      listener->watch->want(wanted ? Interest::read : Interest::nothing);
    }
  }
}

// A sibling process is gone: what its queue holds would wait until it is replaced.
void EventedWorker::adopt_orphans() {
  std::uint64_t orphans = context_.counters.orphaned_queues().load(std::memory_order_relaxed);
  if (orphans == adopted_queues_) return;
  adopted_.clear();
  for (unsigned queue = 0; queue < std::min(context_.listeners.queues(), 64u); ++queue) {
    if ((orphans >> queue & 1) != 0 && queue != queue_) listen_to(queue);
  }
  adopted_queues_ = orphans;
  watch_listeners();
}

// --- Time ---

void EventedWorker::tick() {
  Clock::time_point now = Clock::now();
  driver_.counters.loop_lag_us.store((now - tick_due_) / 1us, std::memory_order_relaxed);
  driver_.counters.heartbeat_ms.store(now.time_since_epoch() / 1ms, std::memory_order_relaxed);
  // The loop lives, and yet a helper may be stuck for ever.
  Clock::time_point oldest = std::min(offload_helpers_.oldest_call(), route_helpers_.oldest_call());
  driver_.counters.busy_since_ms.store(oldest == Clock::time_point::max() ? 0 : oldest.time_since_epoch() / 1ms,
                                       std::memory_order_relaxed);
  if (is_accepting()) {
    adopt_orphans();
    watch_listeners();  // the cap may have been reloaded
  }
  tick_due_ = now + tick_interval;
  set_timer(tick_, tick_due_);
  if (++ticks_ % ticks_to_shed == 0) sessions_.shed();
  finish_calls();
  interrupted();  // a loop library does not say when a signal was
}

void EventedWorker::set_timer(Timer& timer, Deadline at) {
  timers_.set(timer, at);
  // The library's timer only moves to earlier; what moves to later, it finds when it fires.
  if (at < armed_) arm_timer(at);
}

void EventedWorker::arm_timer(Deadline at) {
  armed_ = at;
  reactor_->set_timer(at);
}

void EventedWorker::on_timer() {
  armed_ = Deadline::min();  // it is armed once, for all that is set meanwhile
  timers_.run(Clock::now());
  arm_timer(timers_.next());
}

// --- Turns ---

void EventedWorker::wait_for_turn(EventedConnection& connection) {
  // Whose turn it is goes on ahead of those who wait for theirs.
  connection.may_have(turn_) ? waiting_for_turn_.push_front(&connection) : waiting_for_turn_.push_back(&connection);
  if (connection.may_have(turn_)) expect_batch_end();
}

void EventedWorker::give_up_turn(EventedConnection& connection) { std::erase(waiting_for_turn_, &connection); }

void EventedWorker::OwnTurn::on_free() {
  if (!worker.waiting_for_turn_.empty()) worker.expect_batch_end();
}

// One of them, for a slice at most: what is ready meanwhile comes before the next.
void EventedWorker::take_turns() {
  if (waiting_for_turn_.empty() || !waiting_for_turn_.front()->may_have(turn_)) return;
  EventedConnection& next = *waiting_for_turn_.front();
  waiting_for_turn_.pop_front();
  next.turn_has_come();
  if (!waiting_for_turn_.empty() && waiting_for_turn_.front()->may_have(turn_)) expect_batch_end();
}

// --- Trace ---

void EventedWorker::event_begins(std::uint64_t connection) {
  if (context_.trace == nullptr) return;
  Clock::time_point now = Clock::now();
  if (batch_start_ == Clock::time_point{}) {
    batch_start_ = now;
    expect_batch_end();
  }
  context_.trace->slice("queued", batch_start_, now, connection);
}

// --- The end of a batch ---

void EventedWorker::expect_batch_end() {
  if (!std::exchange(batch_end_is_expected_, true)) reactor_->notify_batch_end();
}

// Taking it once for all that is ready at once is cheaper, and nobody else here wants it; what threads of the application's
// own want it, ask for it.
void EventedWorker::lock_is_kept() {
  is_lock_kept_ = true;
  expect_batch_end();
}

void EventedWorker::let_lock_go() {
  if (std::exchange(is_lock_kept_, false)) context_.app.lifecycle().let_go();
}

void EventedWorker::on_batch_end() {
  batch_end_is_expected_ = false;
  batch_start_ = {};
  finish_calls();
  bool all_begin = offload_helpers_.begin() & route_helpers_.begin();
  if (!all_begin && !hurry_.is_set()) set_timer(hurry_, Clock::now() + helper_patience);
  take_turns();
  if (!batch_end_is_expected_) let_lock_go();
}

void EventedWorker::hurry_helpers() {
  offload_helpers_.hurry();
  route_helpers_.hurry();
}

// --- Orders from other threads ---

void EventedWorker::call_made(EventedConnection& connection, bool is_answered) {
  {
    std::lock_guard lock(mutex_);
    calls_made_.push_back(&connection);
    if (is_answered && !connection.loop_waits_for_call) return;
  }
  reactor_->wake();
}

bool EventedWorker::takes_made_call(EventedConnection& connection) {
  std::lock_guard lock(mutex_);
  if (std::erase(calls_made_, &connection) > 0) return true;
  connection.loop_waits_for_call = true;
  return false;
}

void EventedWorker::finish_calls() {
  {
    std::lock_guard lock(mutex_);
    finishing_.swap(calls_made_);
  }
  for (EventedConnection* connection : finishing_) connection->call_made();
  finishing_.clear();
}

void EventedWorker::order(unsigned what) {
  orders_.fetch_or(what);
  reactor_->wake();
}

void EventedWorker::on_wake() {
  finish_calls();
  obey(orders_.exchange(0));
  finish_if_done();
}

void EventedWorker::obey(unsigned orders) {
  if ((orders & drain) != 0) draining_ = true;
  if ((orders & (stop_accepting | stop)) != 0) {
    bool keeps_control = (orders & stop) == 0 && context_.keeps_control();
    std::erase_if(listeners_, [&](const auto& listener) { return !(keeps_control && listener->is_control); });
    adopted_.clear();
    is_accepting_.store(false, std::memory_order_release);
  }
  if ((orders & (close_idle | stop)) == 0) return;
  for (auto* list : {&open_, &leaving_}) {
    list->for_each([&](EventedConnection& c) { (orders & stop) != 0 ? c.stop() : c.end_idleness(); });
  }
}

void EventedWorker::finish_if_done() {
  if (open_.empty() && leaving_.empty() && !is_accepting()) reactor_->stop();
}

}  // namespace corelab
