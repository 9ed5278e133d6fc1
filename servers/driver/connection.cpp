#include "servers/driver/connection.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <exception>
#include <utility>

#include "common/http/date.hpp"
#include "common/telemetry/log.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

constexpr auto next_request_patience = 20ms;
constexpr auto first_request_patience = 1s;  // the network may have lost it once: RFC 6298 sends it again within 1 s

std::string_view date_now(std::time_t now) {
  thread_local DateCache cache;
  return cache.at(now);
}

std::time_t coarse_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

Response failed_handler() {
  try {
    throw;
  } catch (const std::exception& error) {
    log::error(std::string("a handler failed: ") + error.what());
  } catch (...) {
    log::error("a handler failed with something that is no std::exception");
  }
  return text("the handler failed\n", 500);
}

Response answer_of(const Handler& handler, const Request& request) {
  try {
    return handler.plain(request);
  } catch (...) {
    return failed_handler();
  }
}

Response too_late() { return text("the request took longer than --request-timeout allows\n", 504); }

std::optional<std::size_t> body_size(Response& response) {
  if (auto* view = std::get_if<std::string_view>(&response.body())) return view->size();
  if (auto* owned = std::get_if<std::string>(&response.body())) return owned->size();
  return std::get<std::unique_ptr<BodySource>>(response.body())->length();
}

}  // namespace

Clock::time_point coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Connection::Connection(Worker& worker, Accepted accepted, bool is_control)
    : worker_(&worker),
      home_(worker.counters),
      settings_(worker.context.settings.current()),
      app_(is_control ? worker.context.control_app : worker.context.app),
      fd_(std::move(accepted.fd)),
      peer_(accepted.peer) {
  static std::atomic<std::uint64_t> connections{0};
  id_ = connections.fetch_add(1, std::memory_order_relaxed);
  WorkerCounters::add(home_.accepted);
  WorkerCounters::add(home_.open, 1);
  begin_wait(Wait::first_request);
  if (trace() == nullptr) return;
  trace()->slice("accept", accepted.begun, accepted.done, id_);
  trace()->slice("queued", accepted.done, Clock::now(), id_);
}

Connection::~Connection() {
  if (session_) {
    session_->give_up_body();  // whoever makes it learns now that the client has left
    worker_->sessions.give(std::move(session_));
  }
  WorkerCounters::add(home_.open, -1);
}

Session& Connection::session() {
  if (!session_) {
    session_ = worker_->sessions.take();
    session_->begin(settings_.limits);
  }
  return *session_;
}

Connection::Received Connection::receive() {
  std::span<char> space = session().space();
  ssize_t n = recv(fd_.get(), space.data(), space.size(), MSG_DONTWAIT);
  if (n > 0) {
    session_->filled(static_cast<std::size_t>(n));
    return Received::bytes;
  }
  if (n == 0) {
    session_->end_of_input();
    return Received::end;
  }
  return errno == EAGAIN || errno == EINTR ? Received::nothing : Received::broken;
}

void Connection::received(std::string_view bytes) {
  if (bytes.empty()) {
    session().end_of_input();
  } else {
    session().feed(bytes);
  }
}

Connection::Needs Connection::advance(Waiter& waiter) {
  session().set_date(date_now(coarse_time()));
  for (;;) {
    Session::Want want = session_->next();
    log_refusal();
    switch (want) {
      case Session::Want::handle:
        if (!run_handler(waiter)) return settle(Needs::handler);
        break;
      case Session::Want::write:
        switch (flush()) {
          case Sent::all: break;
          case Sent::some: return settle(Needs::writable);
          case Sent::broken: return Needs::close;
        }
        break;
      case Session::Want::pull:
        if (!pull_body(waiter)) return settle(Needs::handler);
        break;
      case Session::Want::read: return settle(Needs::readable);
      case Session::Want::close: lingers_ |= session_->lingers(); return Needs::close;
    }
  }
}

// What it waits for, and until when.
Connection::Needs Connection::settle(Needs needs) {
  switch (needs) {
    case Needs::readable:
      if (session_->idle()) {
        worker_->sessions.give(std::move(session_));
        // A client that has sent nothing yet is still within the time for its first request.
        if (wait_ != Wait::first_request) begin_wait(Wait::next_request);
      } else {
        begin_wait(session_->phase() == Session::Phase::body ? Wait::body : Wait::head);
      }
      break;
    case Needs::writable: begin_wait(Wait::writing); break;
    default: begin_wait(Wait::nothing); break;
  }
  return needs;
}

void Connection::begin_wait(Wait wait) {
  // Deadlines are absolute: a byte now and then does not move them. Only idleness begins anew with each answer.
  if (wait == wait_ && wait != Wait::next_request) return;
  wait_ = wait;
  switch (wait) {
    case Wait::nothing: deadline_ = no_deadline; break;
    case Wait::first_request:
    case Wait::head: deadline_ = coarse_now() + settings_.head_timeout; break;
    case Wait::next_request: deadline_ = coarse_now() + settings_.keep_alive; break;
    case Wait::body: deadline_ = coarse_now() + settings_.body_timeout; break;
    case Wait::writing: deadline_ = coarse_now() + settings_.write_timeout; break;
  }
}

Clock::time_point Connection::spared_until() const {
  if (wait_ == Wait::first_request) return deadline_ - settings_.head_timeout + first_request_patience;
  return deadline_ - settings_.keep_alive + next_request_patience;
}

Connection::Needs Connection::deadline_passed() {
  switch (wait_) {
    case Wait::first_request:
    case Wait::next_request:
      lingers_ = true;  // a request may be on its way
      return Needs::close;
    case Wait::head: session_->refuse({408, "the request's head did not come within --head-timeout"}); break;
    case Wait::body: session_->refuse({408, "the request's body did not come within --body-timeout"}); break;
    case Wait::writing: {
      // What it has not taken would stay in the kernel's memory for minutes.
      struct linger reset{1, 0};
      setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      return Needs::close;
    }
    case Wait::nothing: return Needs::close;
  }
  return Needs::writable;
}

Connection::Sent Connection::flush() {
  Session::Output output = session_->output();
  if (output.size() == 0) return Sent::all;
  Clock::time_point start = trace() ? Clock::now() : Clock::time_point();
  ssize_t n = 0;
  if (output.second.empty()) {
    n = send(fd_.get(), output.first.data(), output.first.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else {
    std::array<iovec, 2> parts = {{{const_cast<char*>(output.first.data()), output.first.size()},
                                   {const_cast<char*>(output.second.data()), output.second.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    n = sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  if (trace()) trace()->slice("write", start, Clock::now(), id_);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? Sent::some : Sent::broken;
  session_->sent(static_cast<std::size_t>(n));
  return static_cast<std::size_t>(n) == output.size() ? Sent::all : Sent::some;
}

void Connection::refuse(Violation violation) {
  session().set_date(date_now(coarse_time()));
  session_->refuse(violation);
  log_refusal();
  flush();
  linger();
}

void Connection::show_busy(bool is_busy) {
  if (!worker_->shows_when_busy) return;
  worker_->counters.busy_since_ms.store(is_busy ? coarse_now().time_since_epoch() / std::chrono::milliseconds(1) : 0,
                                        std::memory_order_relaxed);
}

bool Connection::run_handler(Waiter& waiter) {
  Request& request = session_->request();
  request.peer = peer_;
  const Handler& handler = app_.find(request);
  say_who_is_served();
  show_busy(true);
  if (handler.plain && !handler.blocks && !trace()) {
    // The hot path. A handler that answers at once is never late: --request-timeout is for those that wait or block.
    respond(answer_of(handler, request));
    return true;
  }
  run(handler, waiter);
  if (handler_ && !handler_.done()) return false;
  if (handler_) answer_from_handler();
  return true;
}

void Connection::run(const Handler& handler, Waiter& waiter) {
  const Request& request = session_->request();
  handler_started_ = Clock::now();
  request_deadline_ = handler_started_ + settings_.request_timeout;
  handler_outcome_ = Waited::done;
  helper_may_answer_ = is_answer_sent_ = is_answered_by_helper_ = false;
  is_answer_taken_.store(false, std::memory_order_relaxed);
  if (handler.coroutine) {
    handler_ = handler.coroutine(request, waiter);
  } else if (handler.blocks && worker_->call_elsewhere != nullptr) {
    if (!blocking_) blocking_ = std::make_unique<BlockingCall>();
    blocking_->call = [this, &handler] {
      say_who_is_served();
      Response response = handler.plain(session_->request());
      if (helper_may_answer_) answer_on_helper(response);
      return response;
    };
    helper_may_answer_ = !owes_output();
    handler_ = worker_->call_elsewhere(blocking_->call, waiter);
  }
  if (handler_) {
    handler_.start();
    return;
  }
  if (handler.blocks) flush();
  Response response = answer_of(handler, request);
  Clock::time_point end = Clock::now();
  if (trace()) trace()->slice("handler", handler_started_, end, id_);
  if (handler.blocks && end > request_deadline_) response = too_late();
  respond(std::move(response));
}

Connection::Needs Connection::handler_resumed(Waiter& waiter) {
  if (!handler_.done()) return Needs::handler;
  bool was_answered = answered_for_handler_;
  answer_from_handler();
  if (was_answered || handler_outcome_ == Waited::cancelled) return Needs::close;
  return advance(waiter);
}

// The next piece of a body whose source blocks. False: it is pulled elsewhere, and the connection waits for that.
bool Connection::pull_body(Waiter& waiter) {
  if (!blocking_) blocking_ = std::make_unique<BlockingCall>();
  handler_started_ = Clock::now();
  if (worker_->call_elsewhere == nullptr) {
    say_who_is_served();
    show_busy(true);
    pull_piece();
    show_busy(false);
    take_piece();
    return true;
  }
  // An answer may take as long as it likes to come: the request's deadline was for its head.
  request_deadline_ = no_deadline;
  handler_outcome_ = Waited::done;
  helper_may_answer_ = is_answered_by_helper_ = false;
  blocking_->pulls = true;
  blocking_->failed = true;  // unless the call is made
  blocking_->call = [this] {
    say_who_is_served();
    pull_piece();
    return Response();
  };
  handler_ = worker_->call_elsewhere(blocking_->call, waiter);
  handler_.start();
  if (!handler_.done()) return false;
  answer_from_handler();
  return true;
}

void Connection::pull_piece() {
  std::string& piece = blocking_->piece;
  blocking_->failed = false;
  try {
    piece.resize(session_->most_to_pull());
    if (!piece.empty()) piece.resize(std::min(session_->source().pull(piece), piece.size()));
  } catch (...) {
    blocking_->failed = true;
  }
}

void Connection::take_piece() {
  if (trace()) trace()->slice("handler", handler_started_, Clock::now(), id_);
  if (blocking_->failed) {
    abandon(session_->give_up_body());
  } else {
    session_->pulled(blocking_->piece);
  }
}

void Connection::answer_from_handler() {
  if (blocking_ && std::exchange(blocking_->pulls, false)) {
    handler_ = {};
    if (!answered_for_handler_) take_piece();
    return;
  }
  if (std::exchange(is_answer_sent_, false)) {
    handler_ = {};
    return;
  }
  if (trace()) trace()->slice("handler", handler_started_, Clock::now(), id_);
  Response response;
  try {
    response = handler_.result();
  } catch (...) {
    response = failed_handler();
  }
  handler_ = {};
  if (answered_for_handler_) {
    if (auto* source = std::get_if<std::unique_ptr<BodySource>>(&response.body())) abandon(std::move(*source));
    return;
  }
  if (handler_outcome_ == Waited::expired) response = too_late();
  respond(std::move(response));
}

// Leaves to the loop what it must answer itself: what comes too late, and a body of which each piece is a call of its own.
void Connection::answer_on_helper(Response& response) {
  if (std::holds_alternative<std::unique_ptr<BodySource>>(response.body()) || Clock::now() > request_deadline_) return;
  if (!takes_right_to_answer()) return;
  if (trace()) trace()->slice("handler", handler_started_, Clock::now(), id_);
  session_->set_date(date_now(coarse_time()));
  respond(std::move(response));
  is_answer_sent_ = true;
  bool is_all_sent = flush() == Sent::all;
  is_answered_by_helper_ = is_all_sent && session_->idle() && !trace();  // a trace shows how long the loop took
}

// A body that is made elsewhere is given up there, at the connection's end, which is near.
void Connection::abandon(std::unique_ptr<BodySource> source) {
  if (!source || !source->blocks() || worker_->call_elsewhere == nullptr) return;
  if (!blocking_) blocking_ = std::make_unique<BlockingCall>();
  blocking_->abandoned = std::move(source);
}

bool Connection::gives_up_body(Waiter& waiter) {
  if (session_) abandon(session_->give_up_body());
  if (!blocking_ || !blocking_->abandoned) return false;
  request_deadline_ = no_deadline;
  handler_outcome_ = Waited::done;
  helper_may_answer_ = is_answered_by_helper_ = false;
  blocking_->call = [this] {
    say_who_is_served();
    blocking_->abandoned.reset();
    return Response();
  };
  handler_ = worker_->call_elsewhere(blocking_->call, waiter);
  handler_.start();
  return !handler_.done();
}

bool Connection::answer_for_handler() {
  if (answered_for_handler_) return false;
  answered_for_handler_ = true;
  if (blocking_ && blocking_->pulls) return false;  // its answer has begun: the end of the connection says the rest
  Response response = too_late();
  response.close();
  respond(std::move(response));
  return flush() == Sent::some;
}

bool Connection::this_answer_is_last() const {
  auto is_set = [](const std::atomic<bool>* flag) { return flag != nullptr && flag->load(std::memory_order_relaxed); };
  return is_set(&worker_->draining) || is_set(worker_->others_wait) || settings_.keep_alive.count() == 0 ||
         settings_.keep_alive_policy == KeepAlivePolicy::close;
}

void Connection::log_refusal() {
  int status = session_->take_refusal();
  if (status == 0) return;
  if (const AccessLog& log = worker_->context.access_log; log.is_on()) log.write_refusal(peer_, status, coarse_time());
}

void Connection::respond(Response&& response) {
  if (const AccessLog& log = worker_->context.access_log; log.is_on()) {
    log.write(session_->request(), response.status(), body_size(response), coarse_time());
  }
  session_->respond(std::move(response), this_answer_is_last());
  wait_ = Wait::nothing;  // whatever it waits for next, it waits for anew
  show_busy(false);
  std::uint64_t requests = worker_->counters.requests.fetch_add(1, std::memory_order_relaxed) + 1;
  // The control thread takes it as any TERM: this worker drains, and its supervisor starts another.
  if (requests == settings_.max_requests) kill(getpid(), SIGTERM);
}

}  // namespace corelab
