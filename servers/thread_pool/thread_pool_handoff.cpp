#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <system_error>
#include <utility>

#include "servers/blocking/blocking_waiter.hpp"
#include "servers/driver/timer_queue.hpp"
#include "servers/thread_pool/pool_server.hpp"
#include "servers/thread_pool/thread_pool.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;
using Needs = Connection::Needs;

class ThreadPoolHandoff;

/// A connection that is either in the reactor's epoll set or in the hands of one pool thread.
struct HandedConnection final : Timer {
  HandedConnection(ThreadPoolHandoff& owner, Worker& worker, BlockedConnections& all, Accepted accepted, bool is_control)
      : server(owner),
        connection(worker, std::move(accepted), is_control),
        blocked(all, connection.fd()),
        waiter(connection) {}
  void on_time() override;

  ThreadPoolHandoff& server;
  Connection connection;
  BlockedConnection blocked;
  BlockingWaiter waiter;
  Needs needs = Needs::readable;
  bool is_due = false;                       // its deadline, and not its socket, has put it into the queue
  Clock::time_point queued{};                // when tracing
  std::atomic<bool> is_waiting{false};       // in the epoll set; who makes it false has it in hand
  bool is_in_epoll = false;
  // Under the server's mutex:
  Deadline deadline = no_deadline;
  Deadline timer_at = no_deadline;
};

/// A reactor watches the connections that wait; what is ready goes to a fixed number of threads, which give it back
/// when it would wait again. An idle client, or a slow one, holds no thread.
class ThreadPoolHandoff final : public PoolServer<HandedConnection*> {
 public:
  explicit ThreadPoolHandoff(const ServerContext& context)
      : PoolServer(context), home_(worker(0)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }

  ~ThreadPoolHandoff() override {
    is_ending_ = true;
    reactor_.reset();
    end_threads();
  }

  void start() override {
    reactor_.emplace(context_.settings.current().thread_stack, [this] { run_reactor(); });
    PoolServer::start();
  }

  /// The timer of a waiting connection; the reactor's thread, with mutex_ held.
  void on_time(HandedConnection& handed) {
    if (handed.deadline > Clock::now()) {
      set_timer(handed, handed.deadline);
    } else if (handed.is_waiting.exchange(false)) {
      // Out of the set, so that no event comes for what its pool thread may destroy.
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handed.connection.fd(), nullptr);
      handed.is_in_epoll = false;
      handed.is_due = true;
      enqueue(handed);
    } else {
      set_timer(handed, Clock::now() + reactor_interval);  // a pool thread has it, and sets a new deadline
    }
  }

 private:
  // How late the reactor may learn of a deadline that a pool thread has set.
  static constexpr auto reactor_interval = 100ms;

  void take(Accepted accepted, bool is_control) override {
    auto* handed = new HandedConnection(*this, home_, blocked_, std::move(accepted), is_control);
    if (!give_to_reactor(*handed)) end(*handed);
  }

  // --- The reactor ---

  void run_reactor() {
    if (context_.trace) context_.trace->name_thread("reactor");
    std::array<epoll_event, 256> events;
    Clock::time_point now = Clock::now(), expected = now + reactor_interval;
    while (!is_ending_) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(expected - now);
      int ready = epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(left.count()));
      for (int i = 0; i < ready; ++i) {
        auto& handed = *static_cast<HandedConnection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (handed.is_waiting.exchange(false, std::memory_order_acq_rel)) enqueue(handed);
      }
      now = Clock::now();
      if (now < expected) continue;
      context_.counters.row(context_.first_row).loop_lag_us.store((now - expected) / 1us, std::memory_order_relaxed);
      expected = now + reactor_interval;
      std::lock_guard lock(mutex_);
      timers_.run(now);
    }
  }

  void enqueue(HandedConnection& handed) {
    if (context_.trace) handed.queued = Clock::now();
    push(&handed);
  }

  void set_timer(HandedConnection& handed, Deadline at) {
    handed.timer_at = at;
    timers_.set(handed, at);
  }

  // The last touch: when the lock is gone, another thread may have it. Under the lock, so that the reactor finds it in
  // its timers and in the epoll set, or in neither. False if the system has no memory to watch it.
  bool give_to_reactor(HandedConnection& handed) {
    std::lock_guard lock(mutex_);
    Deadline deadline = handed.connection.deadline();
    handed.deadline = deadline;
    if (deadline < handed.timer_at) set_timer(handed, deadline);
    if (handed.connection.is_idle()) handed.blocked.enter_idle(handed.connection.spared_until());
    epoll_event event{};
    event.events = (handed.needs == Needs::readable ? EPOLLIN : EPOLLOUT) | EPOLLONESHOT;
    event.data.ptr = &handed;
    int operation = std::exchange(handed.is_in_epoll, true) ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    handed.is_waiting = true;
    if (epoll_ctl(epoll_.get(), operation, handed.connection.fd(), &event) == 0) return true;
    handed.is_waiting = false;
    return false;
  }

  // --- The pool ---

  void serve_work(HandedConnection* handed, Worker& own) override {
    Connection& connection = handed->connection;
    connection.set_worker(own);
    if (context_.trace) context_.trace->slice("queued", handed->queued, Clock::now(), connection.id());
    if (handed->blocked.leave_idle()) connection.linger();
    handed->needs = go_on(*handed);
    if (handed->needs == Needs::close || !give_to_reactor(*handed)) end(*handed);
  }

  Needs go_on(HandedConnection& handed) {
    Connection& connection = handed.connection;
    if (std::exchange(handed.is_due, false)) {
      Needs needs = connection.deadline_passed();
      return needs == Needs::close ? needs : connection.advance(handed.waiter);
    }
    if (handed.needs == Needs::readable) {
      Connection::Received got = connection.receive();
      if (got == Connection::Received::nothing) return Needs::readable;
      if (got == Connection::Received::broken) return Needs::close;
    }
    return connection.advance(handed.waiter);
  }

  void end(HandedConnection& handed) {
    {
      std::lock_guard lock(mutex_);
      timers_.clear(handed);
    }
    // A socket that is seen out stays open, in another epoll set.
    if (handed.connection.lingers()) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handed.connection.fd(), nullptr);
    release(handed.connection);
    delete &handed;
    ended();
  }

  Worker home_;
  Fd epoll_;
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  TimerQueue timers_;
  std::optional<Thread> reactor_;
};

void HandedConnection::on_time() { server.on_time(*this); }

}  // namespace

const CoreInfo thread_pool_handoff_core = {
    .name = "thread-pool-handoff",
    .waiting = "readiness, then blocking",
    .unit = "reactor + threads",
    .distribution = "shared queue of ready requests",
    .teaches = "the cure, and the hand-off it costs",
    .workers = CoreInfo::Workers::threads,
    .waits = CoreInfo::Waiting::handoff,
    .own_queues = false,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<ThreadPoolHandoff>(context);
    },
};

}  // namespace corelab
