// The driver: moves bytes between one socket and its session and runs the handlers. It never waits: it says what it
// needs, and waiting for that is all that the cores differ in.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/app/task.hpp"
#include "common/app/waiter.hpp"
#include "common/http/session.hpp"
#include "common/net/fd.hpp"
#include "common/telemetry/serving.hpp"
#include "servers/driver/worker.hpp"

namespace corelab {

/// The monotonic clock as of the kernel's last tick: some milliseconds old, and a quarter of the price.
Clock::time_point coarse_now();

/// One connection; one thread at a time. A core's loop is: advance(); wait for what it needs, until deadline(); if that
/// was `readable`, receive(); advance() again.
class Connection {
 public:
  Connection(Worker& worker, Accepted accepted, bool is_control);
  ~Connection();
  Connection(const Connection&) = delete;

  enum class Needs {
    readable,  ///< receive() once the socket can be read
    writable,  ///< advance() once the socket can be written
    handler,   ///< handler_resumed() whenever its handler was resumed
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
  void received(std::string_view bytes);

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
  /// Answers at once for a handler that cannot be interrupted, and closes; what it still says will be dropped. True if
  /// there is output to be sent.
  bool answer_for_handler();
  bool has_been_answered_for() const { return answered_for_handler_; }

  /// A call that answers, made elsewhere, may send its answer from there, so that this thread need not be woken for it.
  /// While that may happen, nothing is done to the connection but what follows here, and handler_failed().
  bool helper_may_answer() const { return helper_may_answer_ && !answered_for_handler_; }
  /// True, once: for whoever is to answer, before answer_for_handler(). Any thread.
  bool takes_right_to_answer() { return !is_answer_taken_.exchange(true); }
  /// The answer has been sent, and nothing more has been received. The thread of the call, after it.
  bool is_answered_by_helper() const { return is_answered_by_helper_; }
  /// Says on the calling thread for whom it runs a handler (common/telemetry/serving.hpp).
  void say_who_is_served() const {
    if (worker_->lock_times != nullptr) serving() = {worker_->lock_times, trace(), id_};
  }
  bool has_handler() const { return static_cast<bool>(handler_); }

  /// Its end has come. True: what is left of an answer's body blocks, and is being given up where it was pulled; the
  /// connection is to stay until `waiter` has resumed that. No byte is sent or received any more.
  bool gives_up_body(Waiter& waiter);

  /// Whose thread serves it from now on, where threads take turns.
  void set_worker(Worker& worker) { worker_ = &worker; }

  bool is_idle() const { return session_ == nullptr; }
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
  enum class Wait { nothing, first_request, next_request, head, body, writing };

  /// A call that blocks, while it is made elsewhere.
  struct BlockingCall {
    std::function<Response()> call;
    std::string piece;  // of a body, pulled by it
    bool pulls = false;
    bool failed = false;
    std::unique_ptr<BodySource> abandoned;  // of an answer that is not wanted any more
  };

  void run(const Handler& handler, Waiter& waiter);
  bool pull_body(Waiter& waiter);
  void pull_piece();
  void take_piece();
  bool run_handler(Waiter& waiter);
  void show_busy(bool is_busy);
  void answer_from_handler();
  void answer_on_helper(Response& response);
  void respond(Response&& response);
  void log_refusal();
  void abandon(std::unique_ptr<BodySource> source);
  bool this_answer_is_last() const;
  Needs settle(Needs needs);
  void begin_wait(Wait wait);
  Session& session();

  Worker* worker_;
  WorkerCounters& home_;  // that of the worker which accepted it
  const Settings& settings_;
  const App& app_;
  Fd fd_;
  Peer peer_;
  std::uint64_t id_;
  std::unique_ptr<Session> session_;  // while it is busy
  Wait wait_ = Wait::nothing;
  Deadline deadline_ = no_deadline;
  bool lingers_ = false;

  Task<Response> handler_;
  Waited handler_outcome_ = Waited::done;
  Clock::time_point handler_started_{};
  Deadline request_deadline_ = no_deadline;
  bool answered_for_handler_ = false;
  bool helper_may_answer_ = false;
  std::atomic<bool> is_answer_taken_{false};
  bool is_answer_sent_ = false;         // by a helper, or what of it the peer took
  bool is_answered_by_helper_ = false;  // to the end, and it waits for the next request
  std::unique_ptr<BlockingCall> blocking_;  // from its first one on
};

}  // namespace corelab
