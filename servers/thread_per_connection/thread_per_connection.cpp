#include "servers/thread_per_connection/thread_per_connection.hpp"

#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>

#include "common/telemetry/log.hpp"
#include "servers/blocking/blocking_server.hpp"

namespace corelab {

namespace {

class ThreadPerConnection final : public BlockingServer {
 public:
  explicit ThreadPerConnection(const ServerContext& context) : BlockingServer(context, nullptr), worker_(worker(0)) {}

  ~ThreadPerConnection() override {
    std::unique_lock lock(mutex_);
    all_ended_.wait(lock, [this] { return threads_.empty(); });
  }

 private:
  struct Served {
    explicit Served(Accepted newcomer) : accepted(std::move(newcomer)) {}
    Accepted accepted;
    std::optional<Thread> thread;
  };
  using List = std::list<Served>;

  void take(Accepted accepted, bool is_control) override {
    join_ended();
    auto served = [&] {
      std::lock_guard lock(mutex_);
      return threads_.emplace(threads_.end(), std::move(accepted));
    }();
    try {
      served->thread.emplace(context_.settings.current().thread_stack, [this, served, is_control] {
        serve(worker_, std::move(served->accepted), is_control);
        if (context_.trace) context_.trace->flush_thread();
        std::lock_guard lock(mutex_);
        ended_.splice(ended_.end(), threads_, served);
        if (threads_.empty()) all_ended_.notify_one();
      });
    } catch (const std::system_error&) {
      static log::Throttle throttle;
      if (throttle.is_due()) log::warning("the system has no more threads: connections are turned away");
      turn_away(worker_, std::move(served->accepted), is_control);
      std::lock_guard lock(mutex_);
      threads_.erase(served);
    }
  }

  void join_ended() {
    List ended;
    std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }

  unsigned cap() const override { return context_.settings.current().worker_connections; }

  Worker worker_;
  std::mutex mutex_;
  List threads_;
  List ended_;  // and yet to be joined
  std::condition_variable all_ended_;
};

}  // namespace

const CoreInfo thread_per_connection_core = {
    .name = "thread-per-connection",
    .waiting = "blocking",
    .unit = "thread",
    .distribution = "accept, spawn",
    .teaches = "memory and switches per connection; cap, never unbounded",
    .workers = CoreInfo::Workers::none,
    .waits = CoreInfo::Waiting::blocking,
    .own_queues = false,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<ThreadPerConnection>(context);
    },
};

}  // namespace corelab
