// A connection on a loop: the driver's needs become interests and timers, and a handler that waits is suspended.
#pragma once

#include <memory>

#include "servers/driver/connection.hpp"
#include "servers/driver/lingering.hpp"
#include "servers/evented/helper_threads.hpp"
#include "servers/evented/reactor.hpp"
#include "servers/driver/timer_queue.hpp"

namespace corelab {

class EventedWorker;

/// All on its worker's thread. Destroys itself through its worker.
class EventedConnection final : private Watcher, private Timer, public Waiter {
 public:
  EventedConnection(EventedWorker& worker, Accepted accepted, bool is_control);

  /// What the worker's drain asks: closes it gently if it is idle, else its next answer is its last.
  void end_idleness();
  /// Ends it now. It stays as long as a helper runs a call of its handler.
  void stop();
  /// What it waits for with Needs::turn has come.
  void turn_has_come() { go_on(connection_.advance(*this)); }
  bool may_have(const Turn& turn) const { return turn.is_free_for(connection_); }

  /// The helper has made the call (worker's thread again). False: the connection needs something else than to be read
  /// next, and may be no more.
  bool call_made();
  /// The helper has sent the answer, and the loop has nothing to do for it in a hurry. The helper's thread, after the call.
  bool is_answered_by_helper() const { return connection_.is_answered_by_helper(); }
  /// The worker's, under its lock: an event has come for it while a helper was busy with its call.
  bool loop_waits_for_call = false;

  EventedWorker& worker() const { return worker_; }
  std::uint64_t id() const { return connection_.id(); }

  /// Makes a call that blocks on the helpers that are there for routes.
  static Task<Response> call_on_helper(const std::function<void()>& call, Waiter& waiter);

  /// Its end has come: sees_out() has been told.
  bool is_seen_out() const { return is_lingering_; }

  // Neighbours in one of the worker's lists.
  EventedConnection* previous = nullptr;
  EventedConnection* next = nullptr;

 private:
  struct OperationTimer final : Timer {
    explicit OperationTimer(EventedConnection& owner) : connection(owner) {}
    void on_time() override { connection.operation_due(); }
    EventedConnection& connection;
  };
  struct OperationWatcher final : Watcher {
    explicit OperationWatcher(EventedConnection& owner) : connection(owner) {}
    void on_ready(Events) override { connection.end_operation(Waited::done); }
    EventedConnection& connection;
  };

  bool start(Operation& operation) override;
  void on_ready(Events events) override;
  void on_time() override;
  void ready_beside_handler(Events events);
  void operation_due();
  void cancel_operation(Waited why);
  bool end_operation(Waited result);
  void go_on(Connection::Needs needs);
  void close();
  void see_out();
  void end();
  void schedule(Deadline deadline);

  EventedWorker& worker_;
  Connection connection_;
  std::unique_ptr<Watch> watch_;
  Connection::Needs needs_ = Connection::Needs::readable;
  bool is_lingering_ = false;
  lingering::Wait linger_;
  Deadline deadline_ = no_deadline;  // the timer may be set for earlier: it is moved when it fires, not with each answer
  Deadline timer_at_ = no_deadline;

  // The handler's wait.
  Operation* operation_ = nullptr;
  Waited result_at_due_ = Waited::done;
  Clock::time_point operation_started_{};
  OperationTimer operation_timer_{*this};
  OperationWatcher operation_watcher_{*this};
  std::unique_ptr<Watch> operation_watch_;
  HelperJob job_;
  HelperThreads* helpers_ = nullptr;     // of the job, while one is under way
  bool is_for_route_ = false;            // the next offload is a blocking route's
  Waited call_result_ = Waited::done;    // what became of the wait while a helper was busy with its call
};

}  // namespace corelab
