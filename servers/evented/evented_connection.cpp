#include "servers/evented/evented_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "servers/evented/evented_worker.hpp"

namespace corelab {

EventedConnection::EventedConnection(EventedWorker& worker, Accepted accepted, bool is_control)
    : worker_(worker), connection_(worker.driver(), std::move(accepted), is_control) {
  watch_ = worker_.reactor().watch(connection_.fd(), *this);
  go_on(Connection::Needs::readable);
}

void EventedConnection::on_ready(Events events) {
  worker_.event_begins(connection_.id());
  if (is_lingering_) return see_out();
  if (connection_.has_handler()) {
    if (helpers_ == nullptr || !worker_.takes_made_call(*this)) return ready_beside_handler(events);
    if (!call_made()) return;
  }
  if (needs_ == Connection::Needs::readable) {
    switch (connection_.receive()) {
      case Connection::Received::bytes:
      case Connection::Received::end: break;
      case Connection::Received::nothing: return go_on(Connection::Needs::readable);
      case Connection::Received::broken: return go_on(Connection::Needs::close);
    }
  } else if (events.hangup) {
    return go_on(Connection::Needs::close);
  } else if (needs_ == Connection::Needs::turn) {
    return;  // what has come meanwhile waits in the kernel
  }
  go_on(connection_.advance(*this));
}

// Something happened on the socket while its handler waits for something else.
void EventedConnection::ready_beside_handler(Events events) {
  if (events.hangup) {
    watch_->want(Interest::nothing);
    connection_.handler_failed(Waited::cancelled);
    return cancel_operation(Waited::cancelled);
  }
  if (!connection_.may_be_helpers()) {
    if (connection_.owes_output() && connection_.flush() == Connection::Sent::some) return;
    if (connection_.has_been_answered_for() && !connection_.owes_output()) shutdown(connection_.fd(), SHUT_WR);
  }
  // The next request has come already; it waits in the kernel.
  watch_->want(Interest::hangup);
}

void EventedConnection::go_on(Connection::Needs needs) {
  needs_ = needs;
  switch (needs) {
    case Connection::Needs::readable: watch_->want(Interest::read); break;
    case Connection::Needs::writable: watch_->want(Interest::write); break;
    case Connection::Needs::handler:
      // Otherwise the interest stays as it is: most handlers are done before anything more comes.
      if (!connection_.may_be_helpers() && connection_.owes_output()) watch_->want(Interest::write);
      break;
    case Connection::Needs::turn:
      watch_->want(Interest::hangup);
      worker_.wait_for_turn(*this);
      break;
    case Connection::Needs::close: return close();
  }
  schedule(connection_.deadline());
}

void EventedConnection::schedule(Deadline deadline) {
  deadline_ = deadline;
  if (deadline == no_deadline || (is_set() && timer_at_ <= deadline)) return;
  timer_at_ = deadline;
  worker_.set_timer(*this, deadline);
}

void EventedConnection::on_time() {
  if (deadline_ > Clock::now()) {
    if (deadline_ != no_deadline) schedule(deadline_);
    return;
  }
  if (is_lingering_) return end();
  if (needs_ == Connection::Needs::turn) worker_.give_up_turn(*this);
  Connection::Needs needs = connection_.deadline_passed();
  go_on(needs == Connection::Needs::close ? needs : connection_.advance(*this));
}

void EventedConnection::close() {
  if (!connection_.lingers()) return end();
  is_lingering_ = true;
  linger_.begin(coarse_now());
  lingering::begin(connection_.fd());
  watch_->want(Interest::read);
  schedule(linger_.until(worker_.is_draining()));
  worker_.sees_out(*this);
}

void EventedConnection::see_out() {
  switch (lingering::discard_input(connection_.fd())) {
    case lingering::Client::is_silent: return;
    case lingering::Client::has_closed: return end();
    case lingering::Client::sends: linger_.heard(coarse_now());
  }
  schedule(linger_.until(worker_.is_draining()));
}

void EventedConnection::end() { worker_.remove(*this); }

void EventedConnection::end_idleness() {
  if (is_lingering_) return linger_.until(true) <= coarse_now() ? end() : void();
  if (connection_.is_idle() && connection_.spared_until() <= coarse_now()) {
    connection_.linger();
    go_on(Connection::Needs::close);
  }
}

void EventedConnection::stop() {
  if (!connection_.has_handler()) return end();
  watch_->want(Interest::nothing);
  connection_.handler_failed(Waited::cancelled);
  cancel_operation(Waited::cancelled);
}

// --- The handler's side ---

bool EventedConnection::start(Operation& operation) {
  bool is_for_route = std::exchange(is_for_route_, false);
  if (!is_for_route && connection_.flush() == Connection::Sent::broken) {  // (a route's call owes nothing)
    connection_.handler_failed(Waited::cancelled);
  }
  if (connection_.handler_outcome() != Waited::done) {
    operation.result = connection_.handler_outcome();
    return false;
  }
  operation_started_ = Clock::now();
  Deadline due = std::min(operation.deadline, connection_.request_deadline());
  result_at_due_ = Waited::expired;
  switch (operation.kind) {
    case Operation::Kind::sleep:
      if (operation_started_ + operation.duration <= due) {
        due = operation_started_ + operation.duration;
        result_at_due_ = Waited::done;
      }
      break;
    case Operation::Kind::ready:
      operation_watch_ = worker_.reactor().watch(operation.fd, operation_watcher_);
      operation_watch_->want(operation.readiness == Readiness::read ? Interest::read : Interest::write);
      break;
    case Operation::Kind::offload: {
      HelperThreads& helpers = worker_.helpers(is_for_route);
      call_result_ = Waited::done;
      job_ = {&operation, this};
      loop_waits_for_call = false;
      helpers.submit(job_);
      worker_.expect_batch_end();
      helpers_ = &helpers;
      break;
    }
  }
  operation_ = &operation;  // not before: what throws has begun nothing
  worker_.set_timer(operation_timer_, due);
  return true;
}

void EventedConnection::operation_due() {
  if (helpers_ != nullptr && worker_.takes_made_call(*this)) {
    call_made();
    return;
  }
  if (result_at_due_ == Waited::expired && Clock::now() >= connection_.request_deadline()) {
    connection_.handler_failed(Waited::expired);
  }
  if (result_at_due_ == Waited::done) {
    end_operation(Waited::done);
  } else {
    cancel_operation(Waited::expired);
  }
}

void EventedConnection::cancel_operation(Waited why) {
  if (operation_ == nullptr) return;
  if (helpers_ == nullptr) {
    end_operation(why);
    return;
  }
  if (helpers_->withdraw(job_)) {
    helpers_ = nullptr;
    end_operation(why);
    return;
  }
  if (worker_.takes_made_call(*this)) {
    call_made();
    return;
  }
  // The call goes on and may use the handler's frame: the handler is resumed when it is over. The client need not wait
  // for that.
  if (call_result_ == Waited::done) call_result_ = why;  // what ended the wait first
  if (why == Waited::cancelled) {
    if (connection_.may_be_helpers()) connection_.cut();
  } else if (connection_.handler_outcome() == Waited::expired) {
    switch (connection_.answer_for_handler()) {
      case Connection::AnsweredFor::by_helper: break;
      case Connection::AnsweredFor::some_sent: watch_->want(Interest::write); break;
      case Connection::AnsweredFor::sent: shutdown(connection_.fd(), SHUT_WR); break;
    }
  } else if (why == Waited::expired) {
    // Only the operation's own deadline has passed: the client still has its answer when the request's does.
    worker_.set_timer(operation_timer_, connection_.request_deadline());
  }
}

bool EventedConnection::call_made() {
  helpers_ = nullptr;
  return end_operation(call_result_);
}

bool EventedConnection::end_operation(Waited result) {
  worker_.clear_timer(operation_timer_);
  operation_watch_.reset();
  if (Trace* trace = connection_.trace()) trace->slice("waiting", operation_started_, Clock::now(), connection_.id());
  Operation& operation = *std::exchange(operation_, nullptr);
  operation.result = result;
  connection_.resume(operation.handler);
  Connection::Needs needs = connection_.handler_resumed(*this);
  go_on(needs);
  return needs == Connection::Needs::readable;
}

Task<Response> EventedConnection::call_on_helper(const std::function<void()>& call, Waiter& waiter) {
  static_cast<EventedConnection&>(waiter).is_for_route_ = true;
  co_await waiter.offload([&] { call(); });
  co_return Response(504);  // for a call that was never made: those that are, answer
}

}  // namespace corelab
