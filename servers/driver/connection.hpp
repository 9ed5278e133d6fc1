// The driver: moves bytes between one socket and its session and runs the handlers. It never waits: it says what it
// needs, and waiting for that is all that the cores differ in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/app/task.hpp"
#include "common/app/waiter.hpp"
#include "common/http/session.hpp"
#include "common/net/fd.hpp"
#include "common/telemetry/serving.hpp"
#include "servers/driver/answer.hpp"
#include "servers/driver/handler_watch.hpp"
#include "servers/driver/worker.hpp"

namespace corelab {

/// The monotonic clock as of the kernel's last tick: some milliseconds old, and a quarter of the price.
Clock::time_point coarse_now();

/// One connection; one thread at a time. A core's loop is: advance(); wait for what it needs, until deadline(); if that
/// was `readable`, receive(); advance() again.
class Connection final : private AnswerWriter {
 public:
  Connection(Worker& worker, Accepted accepted, bool is_control);
  ~Connection();
  Connection(const Connection&) = delete;

  enum class Needs {
    readable,  ///< receive() once the socket can be read
    writable,  ///< advance() once the socket can be written
    handler,   ///< handler_resumed() whenever its handler was resumed
    turn,      ///< advance() once others have been looked after, and the worker's turn is its own or nobody's
    close,     ///< its end: gently if lingers()
  };

  /// Handles what has come and writes what can be written. `waiter` is what the handlers wait with. Answers are sent
  /// when all requests that have come are answered, and before anything waits.
  Needs advance(Waiter& waiter);

  /// The same, after its suspended handler was resumed.
  Needs handler_resumed(Waiter& waiter);

  enum class Received {
    bytes,
    nothing,  ///< nothing has come yet
    end,      ///< the peer sends no more
    broken,   ///< the connection was reset: close it
  };
  /// One recv(2), straight into the session; where nothing can be read it says so at once. Follow with advance().
  Received receive();
  /// The same for those who read for themselves while it was idle. `bytes` fit a session that is new; none is the end.
  Received received(std::string_view bytes);

  enum class Sent { all, some, broken };
  /// Sends what is owed, as far as the peer takes it at once. Waiters call it before they wait.
  Sent flush();
  bool owes_output() const { return session_ != nullptr && session_->has_output(); }

  /// Refuses the connection as a whole, before anything of it was read. It is to be closed.
  void refuse(Violation violation);

  /// Until when it may need what it needs; no_deadline for a handler, whose waiter knows.
  Deadline deadline() const { return deadline_; }
  /// The deadline has passed. Says what it needs now: advance(), to answer 408, or its end.
  Needs deadline_passed();

  /// Until when its handler may wait.
  Deadline request_deadline() const { return request_deadline_; }
  /// The waiter ended an operation because the request's deadline has passed, or the client is gone: decides what the
  /// client gets in the end, whatever the handler says.
  void handler_failed(Waited why) { handler_outcome_ = why; }
  Waited handler_outcome() const { return handler_outcome_; }
  /// Answers at once for a handler that cannot be interrupted, unless a helper is doing that, and closes; what the handler
  /// still says will be dropped.
  enum class AnsweredFor { sent, some_sent, by_helper };
  AnsweredFor answer_for_handler();
  bool has_been_answered_for() const { return answer_.state() == Answer::State::overdue; }

  /// A call that answers is being made elsewhere: nothing is done to the connection but what follows here, and
  /// handler_failed().
  bool may_be_helpers() const { return answer_.may_be_helpers(); }
  /// The helper has sent the answer, and nothing more has been received. The thread of the call, after it.
  bool is_answered_by_helper() const { return answer_.state() == Answer::State::sent; }
  /// Wakes whoever sends or waits in this connection's name, for good.
  void cut();
  /// Says on the calling thread for whom it runs a handler (common/telemetry/serving.hpp).
  void say_who_is_served() const {
    if (worker_->lock_times != nullptr) serving() = {worker_->lock_times, trace(), worker_->lock_keeper, id_};
  }
  /// Resumes its handler, or what that waits with.
  void resume(std::coroutine_handle<> handler);
  bool has_handler() const { return static_cast<bool>(handler_); }

  /// Whose thread serves it from now on, where threads take turns.
  void set_worker(Worker& worker) { worker_ = &worker; }

  /// It waits for a request, and nothing of it has come (but perhaps a lone CR).
  bool is_idle() const { return session_ == nullptr || wait_ == Wait::first_request || wait_ == Wait::next_request; }
  /// Of an idle one: the first question since it was answered, or accepted.
  bool begins_idleness() { return std::exchange(begins_idleness_, false); }
  /// Of an idle one: until when nobody closes it for the sake of others, or of a drain. Who has just connected has its
  /// first request on its way; who has just been answered may be sending the next (RFC 9112 section 9.3.1: and may send
  /// that one again).
  Clock::time_point spared_until() const;
  bool lingers() const { return lingers_; }
  /// It is ended though the peer may be sending a request.
  void linger() { lingers_ = true; }
  int fd() const { return fd_.get(); }
  Fd take_fd() { return std::move(fd_); }
  std::uint64_t id() const { return id_; }
  const Settings& settings() const { return settings_; }
  Trace* trace() const { return worker_->context.trace; }

 private:
  Needs advance_or_throw(Waiter& waiter);
  Needs out_of_memory();
  void set_date();

  enum class Wait { nothing, first_request, next_request, head, body, writing, turn };
  /// What a handler that blocks has sent while it runs.
  enum class Pushed {
    nothing,
    some,     ///< the head, and what it has written
    dropped,  ///< its answer has come to an early end: nothing of it is sent any more
  };

  // AnswerWriter
  void begin(Response answer, std::optional<std::size_t> length) override;
  bool write(std::string_view bytes) override;

  std::optional<Needs> run_handler(Waiter& waiter);
  void call_elsewhere(const Handler& handler, Waiter& waiter);
  void answer_on_helper(const Handler& handler);
  Response call(const Handler& handler);
  std::optional<Response> ask(PendingAnswer& pending);
  Response broken_off();
  Response awaited(Response&& response);
  std::optional<Needs> ask();
  void answer_in_time(Response&& response);
  void answer_from_handler();
  void answer(Response&& response);
  void continue_pushed(Response&& rest);
  void respond(Response&& response);
  void log_refusal();
  bool this_answer_is_last() const;

  void see_through();
  Needs make_ahead();
  std::optional<Needs> pull();
  void stream();
  bool pull_piece();
  bool is_given_up();
  bool has_left();
  void leave_turn();
  bool send_all();
  void cut_short();
  void reset_at_close();

  HeldThread hold() const;
  void show_busy(bool is_busy);
  void show_progress();
  Needs settle(Needs needs);
  void begin_wait(Wait wait);
  Deadline body_deadline() const;
  Deadline write_deadline() const;
  Session& session();

  Worker* worker_;
  WorkerCounters& home_;  // that of the worker which accepted it
  const Settings& settings_;
  const App& app_;
  Fd fd_;
  Peer peer_;
  const Endpoint* endpoint_;
  const bool peer_is_trusted_;  // to say whom it asks for
  const Clock::time_point accepted_;
  std::uint64_t id_;
  std::unique_ptr<Session> session_;  // while it is busy
  Wait wait_ = Wait::nothing;
  Deadline deadline_ = no_deadline;
  bool begins_idleness_ = false;
  Clock::time_point waiting_since_{};  // for a body, or while the client owes a read
  Clock::duration written_for_{};      // that it took over this answer before
  std::uint64_t written_ = 0;          // bytes that it has taken of it
  bool lingers_ = false;
  bool is_cut_ = false;  // nothing is sent any more

  Task<Response> handler_;
  Waited handler_outcome_ = Waited::done;
  Clock::time_point handler_started_{};
  Deadline request_deadline_ = no_deadline;
  Answer answer_;
  Pushed pushed_ = Pushed::nothing;
  std::unique_ptr<std::function<void()>> call_;  // one that blocks, made elsewhere; from the first one on

  // Of an answer that comes in pieces.
  std::unique_ptr<PendingAnswer> pending_;  // on a loop, before the first one
  Clock::time_point last_piece_{};   // when it gave something
  Clock::time_point slice_end_{};    // until when it has the loop
  Clock::time_point end_seen_{};     // when its client was first seen to send no more
};

}  // namespace corelab
