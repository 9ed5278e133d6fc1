#include "servers/thread_pool/thread_pool.hpp"

#include "servers/thread_pool/pool_server.hpp"

namespace corelab {

namespace {

struct Newcomer {
  Accepted accepted;
  bool is_control;
};

/// The queue holds connections: each thread serves one at a time, to its end.
class ThreadPool final : public PoolServer<Newcomer> {
 public:
  explicit ThreadPool(const ServerContext& context) : PoolServer(context) {}
  ~ThreadPool() override { end_threads(); }

 private:
  void take(Accepted accepted, bool is_control) override { push({std::move(accepted), is_control}); }

  void serve_work(Newcomer newcomer, Worker& own) override {
    serve(own, std::move(newcomer.accepted), newcomer.is_control);
  }

  // With `yield`, threads that wait for a client's next request give that client up for a newcomer.
  unsigned waiting() const override { return unserved(); }
  void on_waiting(unsigned newcomers) override {
    if (yields()) blocked_.wake_idle(newcomers);
  }
};

}  // namespace

const CoreInfo thread_pool_core = {
    .name = "thread-pool",
    .waiting = "blocking",
    .unit = "thread",
    .distribution = "shared queue of connections",
    .teaches = "idle keep-alives starve a pool",
    .workers = CoreInfo::Workers::threads,
    .waits = CoreInfo::Waiting::blocking,
    .own_queues = false,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<ThreadPool>(context);
    },
};

}  // namespace corelab
