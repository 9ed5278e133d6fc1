// One loop's worth of a server: accepts, keeps its connections, and drains.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "servers/driver/worker.hpp"
#include "servers/evented/connection_list.hpp"
#include "servers/evented/evented_connection.hpp"
#include "servers/evented/helper_threads.hpp"
#include "servers/evented/reactor.hpp"
#include "servers/driver/timer_queue.hpp"

namespace corelab {

/// run() on a thread of its own; order() and the questions from any other; all else on its own.
class EventedWorker final : private ReactorClient, private LockKeeper {
 public:
  /// Serves queue `index` of those that the context gives this server. `is_alone`: there is no other worker in this process.
  EventedWorker(const ServerContext& context, unsigned index, bool is_alone, std::unique_ptr<Reactor> reactor);
  ~EventedWorker();

  void run();

  /// Orders, as bits: what Server's methods of these names are to do.
  enum Order : unsigned { drain = 1, stop_accepting = 2, close_idle = 4, stop = 8 };
  void order(unsigned what);
  bool is_accepting() const { return is_accepting_.load(std::memory_order_acquire); }
  bool is_finished() const { return is_finished_.load(std::memory_order_acquire); }

  // For its connections.
  Worker& driver() { return driver_; }
  bool is_draining() const { return draining_; }
  Reactor& reactor() { return *reactor_; }
  void set_timer(Timer& timer, Deadline at);
  void clear_timer(Timer& timer) { timers_.clear(timer); }
  HelperThreads& helpers(bool for_routes) { return for_routes ? route_helpers_ : offload_helpers_; }
  /// on_batch_end() is to come: what was submitted to helpers begins then.
  void expect_batch_end();
  void remove(EventedConnection& connection);
  /// It is being seen out: it makes room for another.
  void sees_out(EventedConnection& connection);
  /// Lets it go on when it is its turn (Needs::turn), and others have been looked after.
  void wait_for_turn(EventedConnection& connection);
  void give_up_turn(EventedConnection& connection);
  /// A helper has made the connection's call, and touches it no more. `is_answered`: the loop is not woken for it; what is
  /// left to do has time until it is awake. The helper's thread.
  void call_made(EventedConnection& connection, bool is_answered);
  /// True: its call has been made, and nobody else will report it. False: it is reported as soon as it has been.
  bool takes_made_call(EventedConnection& connection);
  /// An event is about to be handled for a connection: what it waited for its turn goes into the trace.
  void event_begins(std::uint64_t connection);

 private:
  struct Listener;
  struct Routine final : Timer {
    using Action = void (EventedWorker::*)();
    Routine(EventedWorker& owner, Action to_do) : worker(owner), action(to_do) {}
    void on_time() override { (worker.*action)(); }
    EventedWorker& worker;
    Action action;
  };

  struct OwnTurn final : Turn {
    explicit OwnTurn(EventedWorker& owner) : worker(owner) {}
    void on_free() override;
    EventedWorker& worker;
  };

  void on_timer() override;
  void on_wake() override;
  void on_batch_end() override;
  void lock_is_kept() override;
  void let_lock_go();

  void wait_for_helpers();
  void listen_to(unsigned queue);
  void accept_from(Listener& listener);
  bool is_full() const;
  void watch_listeners();
  void obey(unsigned orders);
  void adopt_orphans();
  void tick();
  void hurry_helpers();
  void finish_calls();
  void take_turns();
  void arm_timer(Deadline at);
  void finish_if_done();

  const ServerContext& context_;
  const unsigned queue_;
  std::unique_ptr<Reactor> reactor_;
  TimerQueue timers_;
  Deadline armed_ = no_deadline;
  SessionPool sessions_{SessionPool::Use::one_thread};
  std::atomic<bool> draining_{false};
  Worker driver_;

  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Listener>> adopted_;
  std::uint64_t adopted_queues_ = 0;
  bool is_paused_ = false;  // the system is out of descriptors
  ConnectionList<EventedConnection> open_, leaving_;

  Routine tick_{*this, &EventedWorker::tick};
  Routine resume_accepting_{*this, &EventedWorker::watch_listeners};
  Routine hurry_{*this, &EventedWorker::hurry_helpers};
  Clock::time_point tick_due_{};
  unsigned ticks_ = 0;

  OwnTurn turn_{*this};
  std::deque<EventedConnection*> waiting_for_turn_;

  bool is_lock_kept_ = false;
  bool batch_end_is_expected_ = false;
  Clock::time_point batch_start_{};  // when tracing

  std::atomic<unsigned> orders_{0};
  std::atomic<bool> is_accepting_{true};
  std::atomic<bool> is_finished_{false};
  std::mutex mutex_;
  std::vector<EventedConnection*> calls_made_;
  std::vector<EventedConnection*> finishing_;  // of them, empty in between; the loop's
  HelperThreads offload_helpers_, route_helpers_;  // last: they report to what is above until they have ended
};

}  // namespace corelab
