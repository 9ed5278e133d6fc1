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
#include <new>
#include <tuple>
#include <utility>

#include "common/http/date.hpp"
#include "common/telemetry/log.hpp"
#include "servers/driver/body_file.hpp"
#include "servers/driver/poll.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

// Whoever asks again sooner meets no close in the middle of that; who waits for the thread of an idle connection waits so long.
constexpr auto next_request_patience = 60ms;
constexpr auto first_request_patience = 1s;  // the network may have lost it once: RFC 6298 sends it again within 1 s
// How long a loop makes one answer before it looks after others.
constexpr auto slice = 10ms;
// How much of an answer is made ahead of a slow client, so that a loop's turn passes to the next one the sooner.
constexpr std::size_t most_made_ahead = 1 << 20;
// A client that sends no more has most likely left, if its answer gives nothing for so long.
constexpr auto departure_patience = 1s;

std::string_view date_now(std::time_t now) {
  thread_local DateCache cache;
  return cache.at(now);
}

std::time_t coarse_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

// At so many a second.
Clock::duration time_for(std::uint64_t bytes, std::uint64_t rate) {
  constexpr std::uint64_t most = 1'000'000;  // seconds
  return rate == 0 ? Clock::duration(0) : std::chrono::milliseconds(std::min(bytes / rate, most) * 1000 + bytes % rate * 1000 / rate);
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

Response too_late() { return text("the request took longer than --request-timeout allows\n", 504); }

// What stands for a body that a handler writes while it runs: never pulled.
class PushedBody final : public BodySource {
 public:
  explicit PushedBody(std::optional<std::size_t> length) : length_(length) {}
  std::size_t pull(std::span<char>) override { return nothing_yet; }
  bool blocks() const override { return true; }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::optional<std::size_t> length_;
};

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
      peer_(accepted.peer),
      endpoint_(worker.context.listeners.endpoint(accepted.listener)),
      peer_is_trusted_(settings_.forwarded_allow_ips.contains(peer_)),
      accepted_(accepted.done) {
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
    pending_.reset();
    leave_turn();
    worker_->sessions.give(std::move(session_));
  }
  WorkerCounters::add(home_.open, -1);
}

Session& Connection::session() {
  if (!session_) {
    session_ = worker_->sessions.take();
    session_->begin({.limits = settings_.limits,
                     .answer_start = worker_->context.answer_start,
                     .make_store = make_body_file,
                     .bodies = &bodies_in_memory});
  }
  return *session_;
}

// A client may have sent more than there is memory for: it is told so, if that is still to be done, and goes.
Connection::Needs Connection::out_of_memory() {
  static log::Throttle throttle;
  if (throttle.is_due()) log::error("out of memory: a connection is dropped");
  bool is_in_body = session_ != nullptr && session_->phase() == Session::Phase::body && !session_->pulls();
  if (!is_in_body || session_->has_output()) return Needs::close;
  try {
    session_->drop_body();
    session_->refuse({503, "there is no memory for the request's body"});
    log_refusal();
    flush();
    lingers_ = true;
  } catch (const std::bad_alloc&) {
  }
  return Needs::close;
}

Connection::Received Connection::receive() try {
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
} catch (const std::bad_alloc&) {
  out_of_memory();
  return Received::broken;
}

Connection::Received Connection::received(std::string_view bytes) try {
  if (bytes.empty()) {
    session().end_of_input();
    return Received::end;
  }
  session().feed(bytes);
  return Received::bytes;
} catch (const std::bad_alloc&) {
  out_of_memory();
  return Received::broken;
}

Connection::Needs Connection::advance(Waiter& waiter) try {
  return advance_or_throw(waiter);
} catch (const std::bad_alloc&) {
  return out_of_memory();
}

// RFC 9110 section 6.6.1: when the answer is made, and not when its request was read. What it points at is the thread's.
void Connection::set_date() { session().set_date(date_now(coarse_time())); }

Connection::Needs Connection::advance_or_throw(Waiter& waiter) {
  set_date();
  slice_end_ = {};
  while (!is_cut_) {
    Session::Want want = session_->next();
    log_refusal();
    switch (want) {
      case Session::Want::handle:
        if (std::optional<Needs> needs = run_handler(waiter)) return settle(*needs);
        break;
      case Session::Want::write:
        switch (flush()) {
          case Sent::all: break;
          case Sent::some: return settle(make_ahead());
          case Sent::broken: return Needs::close;
        }
        break;
      case Session::Want::pull:
        if (std::optional<Needs> needs = pull()) return settle(*needs);
        break;
      case Session::Want::read: return settle(Needs::readable);
      case Session::Want::close: lingers_ |= session_->lingers(); return Needs::close;
    }
  }
  return Needs::close;
}

// What it waits for, and until when.
Connection::Needs Connection::settle(Needs needs) {
  switch (needs) {
    case Needs::readable:
      if (session_->is_between_requests()) {
        if (session_->idle()) worker_->sessions.give(std::move(session_));
        // Only an answer renews idleness, and not the blank lines that come ahead of a request.
        if (wait_ != Wait::first_request && wait_ != Wait::next_request) begin_wait(Wait::next_request);
      } else {
        begin_wait(session_->phase() == Session::Phase::body ? Wait::body : Wait::head);
      }
      break;
    case Needs::writable: begin_wait(Wait::writing); break;
    case Needs::turn: begin_wait(worker_->turn->is_free_for(*this) ? Wait::nothing : Wait::turn); break;
    default: begin_wait(Wait::nothing); break;
  }
  return needs;
}

void Connection::begin_wait(Wait wait) {
  // Deadlines are absolute: a byte now and then does not move them, unless so many for each second are asked for. Only
  // idleness begins anew with each answer.
  if (wait == Wait::body && wait_ == Wait::body) deadline_ = body_deadline();
  if (wait == Wait::writing && wait_ == Wait::writing) deadline_ = write_deadline();
  if (wait == wait_ && wait != Wait::next_request) return;
  if (wait_ == Wait::writing) written_for_ += coarse_now() - waiting_since_;
  wait_ = wait;
  switch (wait) {
    case Wait::nothing: deadline_ = no_deadline; break;
    case Wait::first_request:
      begins_idleness_ = true;
      [[fallthrough]];
    case Wait::head: deadline_ = coarse_now() + settings_.head_timeout; break;
    case Wait::next_request:
      begins_idleness_ = true;
      deadline_ = coarse_now() + settings_.keep_alive;
      break;
    case Wait::body:
      waiting_since_ = coarse_now();
      deadline_ = body_deadline();
      break;
    case Wait::writing:
      waiting_since_ = coarse_now();
      deadline_ = write_deadline();
      break;
    case Wait::turn: deadline_ = coarse_now() + settings_.request_timeout; break;
  }
}

Deadline Connection::body_deadline() const {
  return waiting_since_ + settings_.body_timeout + time_for(session_->body_received(), settings_.body_rate);
}

// The client's time alone counts, and not what the answer took to be made.
Deadline Connection::write_deadline() const {
  return waiting_since_ + settings_.write_timeout - written_for_ + time_for(written_, settings_.write_rate);
}

Clock::time_point Connection::spared_until() const {
  if (wait_ == Wait::first_request) return accepted_ + first_request_patience;
  return deadline_ - settings_.keep_alive + next_request_patience;
}

Connection::Needs Connection::deadline_passed() {
  if (session_ != nullptr) set_date();
  switch (wait_) {
    case Wait::first_request:
    case Wait::next_request:
      lingers_ = true;  // a request may be on its way
      return Needs::close;
    case Wait::head: session_->refuse({408, "the request's head did not come within --head-timeout"}); break;
    case Wait::body: session_->refuse({408, "the request's body did not come within --body-timeout"}); break;
    case Wait::writing: reset_at_close(); return Needs::close;
    case Wait::turn:
      if (session_->pulls()) return Needs::close;
      respond(std::move(too_late().close()));
      break;
    case Wait::nothing: return Needs::close;
  }
  return Needs::writable;
}

// What its client has not taken would stay in the kernel's memory for minutes.
void Connection::reset_at_close() {
  struct linger reset{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
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
  written_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n) == output.size() ? Sent::all : Sent::some;
}

void Connection::refuse(Violation violation) {
  set_date();
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

void Connection::show_progress() {
  show_busy(true);
  if (worker_->note_progress == nullptr || worker_->note_progress()) return;
  std::int64_t now = coarse_now().time_since_epoch() / std::chrono::milliseconds(1);
  worker_->counters.heartbeat_ms.store(now, std::memory_order_relaxed);
}

// --- Handlers ---

// Nothing, if the request is answered; else what its handler needs first, or next.
std::optional<Connection::Needs> Connection::run_handler(Waiter& waiter) {
  if (pending_) return ask();
  Request& request = session_->request();
  request.peer = peer_;
  request.endpoint = endpoint_;
  if (peer_is_trusted_) apply_forwarded(request, settings_.forwarded_allow_ips, session_->forwarded_authority());
  const Handler& handler = app_.find(request);
  if (handler.plain && !handler.blocks && !trace()) {
    // The hot path. A handler that answers at once is never late: --request-timeout is for those that wait or block.
    say_who_is_served();
    show_busy(true);
    respond(call(handler));
    return std::nullopt;
  }
  if (handler.blocks) {
    // Nothing that is owed waits for it, and a helper finds nothing to send but its own answer.
    Sent sent = flush();
    if (sent == Sent::broken) return Needs::close;
    if (sent == Sent::some) return Needs::writable;
    bool is_here = worker_->call_elsewhere == nullptr;
    if (is_here && worker_->turn != nullptr && !worker_->turn->is_free_for(*this)) return Needs::turn;
  }
  say_who_is_served();
  show_busy(true);
  handler_started_ = trace() ? Clock::now() : coarse_now();
  request_deadline_ = handler_started_ + settings_.request_timeout;
  handler_outcome_ = Waited::done;
  if (handler.coroutine) {
    handler_ = handler.coroutine(request, waiter);
    HeldThread held = hold();
    handler_.start();
  } else if (handler.blocks && worker_->call_elsewhere != nullptr) {
    call_elsewhere(handler, waiter);
  } else {
    Response response = call(handler);
    if (response.is_pending() && worker_->turn != nullptr) {
      pending_ = std::move(std::get<std::unique_ptr<PendingAnswer>>(response.body()));
      return ask();
    }
    answer_in_time(awaited(std::move(response)));
    return std::nullopt;
  }
  if (!handler_.done()) return Needs::handler;
  answer_from_handler();
  return std::nullopt;
}

Response Connection::call(const Handler& handler) {
  Request& request = session_->request();
  request.writer = handler.blocks ? this : nullptr;
  HeldThread held = hold();
  try {
    return handler.plain(request);
  } catch (...) {
    return broken_off();
  }
}

std::optional<Response> Connection::ask(PendingAnswer& pending) {
  HeldThread held = hold();
  try {
    return pending.ask();
  } catch (...) {
    return broken_off();
  }
}

// In a catch: what the client gets in the place of a handler's answer. In the middle of one, only its end can tell.
Response Connection::broken_off() {
  Response failure = failed_handler();
  if (pushed_ == Pushed::some) cut_short();
  return failure;
}

void Connection::call_elsewhere(const Handler& handler, Waiter& waiter) {
  if (!call_) call_ = std::make_unique<std::function<void()>>();
  *call_ = [this, &handler] { answer_on_helper(handler); };
  answer_.offer();
  handler_ = worker_->call_elsewhere(*call_, waiter);
  handler_.start();
}

// Sees the answer through to its end, slow client or not: each step of it is this thread's. What comes too late is dropped
// here, too, with what it is made from.
void Connection::answer_on_helper(const Handler& handler) {
  say_who_is_served();
  Response response = awaited(call(handler));
  if (pushed_ == Pushed::nothing) std::ignore = answer_.take();
  if (answer_.state() == Answer::State::overdue) {
    pushed_ = Pushed::nothing;
    return;
  }
  answer_in_time(std::move(response));
  Sent sent = is_cut_ ? Sent::broken : flush();
  // A trace shows how long the loop took.
  bool is_over = sent == Sent::all && session_->idle() && !trace();
  answer_.finish(is_over ? Answer::State::sent : sent == Sent::broken ? Answer::State::cut : Answer::State::sent_in_part);
}

Connection::Needs Connection::handler_resumed(Waiter& waiter) {
  if (!handler_.done()) return Needs::handler;
  switch (answer_.settle()) {
    case Answer::State::sent:
    case Answer::State::sent_in_part: handler_ = {}; break;
    case Answer::State::cut: handler_ = {}; return Needs::close;
    case Answer::State::overdue:
      handler_ = {};
      lingers_ = true;
      return Needs::close;
    default: answer_from_handler(); break;
  }
  if (handler_outcome_ == Waited::cancelled) return Needs::close;
  return advance(waiter);
}

void Connection::answer_from_handler() {
  if (trace()) trace()->slice("handler", handler_started_, Clock::now(), id_);
  Response response;
  try {
    response = handler_.result();
  } catch (...) {
    response = broken_off();
  }
  handler_ = {};
  if (handler_outcome_ == Waited::expired) response = too_late();
  answer(awaited(std::move(response)));
  see_through();
}

// On a thread that may block: asks until the answer is there, or too late. With the answer's client gone, gives any.
Response Connection::awaited(Response&& response) {
  while (response.is_pending() && !is_cut_) {
    if (answer_.state() == Answer::State::overdue || Clock::now() > request_deadline_) return too_late();
    bool is_ours = answer_.state() != Answer::State::open;
    if (has_left() && (is_ours || answer_.take())) cut_short();
    std::optional<Response> given = ask(*std::get<std::unique_ptr<PendingAnswer>>(response.body()));
    if (given) response = std::move(*given);
  }
  return std::move(response);
}

// The same on a loop, for a slice at a time.
std::optional<Connection::Needs> Connection::ask() {
  worker_->turn->take(*this);
  bool is_late = Clock::now() > request_deadline_;
  if (has_left()) return Needs::close;
  say_who_is_served();
  std::optional<Response> given = is_late ? too_late() : ask(*pending_);
  if (!given) return Needs::turn;
  pending_.reset();
  leave_turn();
  answer_in_time(std::move(*given));
  return std::nullopt;
}

Connection::AnsweredFor Connection::answer_for_handler() {
  if (!answer_.due()) return AnsweredFor::by_helper;
  respond(std::move(too_late().close()));
  return flush() == Sent::some ? AnsweredFor::some_sent : AnsweredFor::sent;
}

void Connection::resume(std::coroutine_handle<> handler) {
  HeldThread held = hold();
  handler.resume();
}

// Whoever watches handlers is told who has this thread.
HeldThread Connection::hold() const {
  const Request& request = session_->request();
  bool is_on_loop = worker_->turn != nullptr && !answer_.may_be_helpers();
  return {worker_->context.handler_watch, request.method_name, request.path,
          is_on_loop ? HeldThread::By::loop : HeldThread::By::thread};
}

// --- Answers that a handler sends while it runs ---

void Connection::begin(Response answer, std::optional<std::size_t> length) {
  bool is_elsewhere = answer_.state() != Answer::State::loops;
  if (is_elsewhere && !answer_.take()) {
    pushed_ = Pushed::dropped;
    return;
  }
  answer.body() = std::make_unique<PushedBody>(length);
  respond(std::move(answer));
  pushed_ = Pushed::some;
}

bool Connection::write(std::string_view bytes) {
  while (pushed_ == Pushed::some) {
    std::string_view piece = bytes.substr(0, session_->most_to_pull());
    if (piece.empty()) return true;  // all of it, or all that the client was promised
    session_->push(piece);
    bytes.remove_prefix(piece.size());
    show_progress();
    if (!send_all()) cut_short();
  }
  return false;
}

void Connection::continue_pushed(Response&& rest) {
  if (auto* source = std::get_if<std::unique_ptr<BodySource>>(&rest.body())) {
    session_->continue_with(std::move(*source));
  } else {
    auto* owned = std::get_if<std::string>(&rest.body());
    if (!write(owned != nullptr ? std::string_view(*owned) : std::get<std::string_view>(rest.body()))) return;
    session_->pulled({});
  }
}

// --- Answers ---

// What a handler that blocks has returned, on its thread.
void Connection::answer_in_time(Response&& response) {
  Clock::time_point end = trace() ? Clock::now() : coarse_now();
  if (trace()) trace()->slice("handler", handler_started_, end, id_);
  bool is_late = end > request_deadline_ && pushed_ == Pushed::nothing;
  answer(is_late ? too_late() : std::move(response));
  answer_.may_be_helpers() ? stream() : see_through();
}

// What a handler has returned.
void Connection::answer(Response&& response) {
  switch (pushed_) {
    case Pushed::nothing: respond(std::move(response)); break;
    case Pushed::some: continue_pushed(std::move(response)); break;
    case Pushed::dropped: break;
  }
  pushed_ = Pushed::nothing;
  last_piece_ = session_->pulls() ? coarse_now() : Clock::time_point{};
  end_seen_ = {};
}

// What is left of an answer whose source blocks stays with this thread: to its end, or for a turn.
void Connection::see_through() {
  if (!session_->pulls()) return;
  if (worker_->turn == nullptr) return stream();
  if (worker_->turn->is_free_for(*this)) worker_->turn->take(*this);
}

void Connection::stream() {
  while (session_->pulls()) {
    if (!send_all()) return cut_short();
    pull_piece();
  }
}

// The same on a loop, a piece at a time. Says what it needs before the next.
std::optional<Connection::Needs> Connection::pull() {
  if (!worker_->turn->is_free_for(*this)) return Needs::turn;
  worker_->turn->take(*this);
  if (slice_end_ == Clock::time_point{}) slice_end_ = Clock::now() + slice;
  bool gave_something = pull_piece();
  if (!session_->pulls()) {
    leave_turn();
    return std::nullopt;
  }
  if (gave_something && Clock::now() < slice_end_) return std::nullopt;
  return Needs::turn;
}

// Its client takes no more for the moment.
Connection::Needs Connection::make_ahead() {
  while (worker_->turn != nullptr && session_->pulls() && session_->output().size() < most_made_ahead) {
    if (std::optional<Needs> needs = pull()) return *needs;
  }
  return Needs::writable;
}

// False: there was nothing yet.
bool Connection::pull_piece() {
  say_who_is_served();
  show_progress();
  bool gave_something = true;
  HeldThread held = hold();
  try {
    std::string piece(session_->most_to_pull(), '\0');
    std::size_t n = piece.empty() ? 0 : session_->source().pull(piece);
    gave_something = n != BodySource::nothing_yet;
    if (gave_something) {
      last_piece_ = coarse_now();
      session_->pulled(std::string_view(piece).substr(0, n));
    } else if (is_given_up()) {
      cut_short();
    }
  } catch (...) {
    session_->give_up_body();
  }
  show_busy(false);
  return gave_something;
}

// There is nothing for the client yet: has it left, or waited for longer than any request may take?
bool Connection::is_given_up() { return has_left() || coarse_now() - last_piece_ > settings_.request_timeout; }

bool Connection::has_left() {
  Clock::time_point now = coarse_now();
  pollfd client{fd_.get(), POLLRDHUP, 0};
  poll_until({&client, 1}, now);
  if ((client.revents & (POLLERR | POLLHUP)) != 0) return true;
  if ((client.revents & POLLRDHUP) == 0) return false;
  // It may have closed its half only, and wait.
  if (end_seen_ == Clock::time_point{}) end_seen_ = now;
  return now - std::max(end_seen_, last_piece_) > departure_patience;
}

void Connection::leave_turn() {
  if (worker_->turn != nullptr) worker_->turn->leave(*this);
}

// Waits, where the client takes it slowly. False: it has left, or is too slow.
bool Connection::send_all() {
  for (;;) {
    Sent sent = flush();
    if (sent == Sent::some) begin_wait(Wait::writing);
    if (sent == Sent::some && wait_for(fd_.get(), POLLOUT, deadline_)) continue;
    if (sent == Sent::some) reset_at_close();
    begin_wait(Wait::nothing);
    return sent == Sent::all;
  }
}

// The answer's client is not there for the rest of it.
void Connection::cut_short() {
  session_->give_up_body();
  leave_turn();
  pushed_ = Pushed::dropped;
  is_cut_ = true;
}

void Connection::cut() { shutdown(fd_.get(), SHUT_RDWR); }

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
  set_date();
  session_->respond(std::move(response), this_answer_is_last());
  begin_wait(Wait::nothing);  // whatever it waits for next, it waits for anew
  written_for_ = {};
  written_ = 0;
  show_busy(false);
  std::uint64_t requests = worker_->counters.requests.fetch_add(1, std::memory_order_relaxed) + 1;
  // The control thread takes it as any TERM: this worker drains, and its supervisor starts another.
  if (requests == settings_.max_requests) kill(getpid(), SIGTERM);
}

}  // namespace corelab
