#include "servers/prefork/prefork.hpp"

#include "servers/blocking/blocking_server.hpp"

namespace corelab {

namespace {

/// What each child of prefork runs: its main thread accepts and serves, one connection at a time.
class Sequential final : public BlockingServer {
 public:
  explicit Sequential(const ServerContext& context)
      : BlockingServer(context, &context.counters.row(context.first_row).accepting), worker_(worker(0)) {
    worker_.shows_when_busy = true;
    worker_.others_wait = &context_.counters.others_wait();  // the supervisor sees who waits
  }

  void start() override {}
  void serve_here() override { receive(); }

 private:
  void take(Accepted accepted, bool is_control) override { serve(worker_, std::move(accepted), is_control); }
  void on_waiting(unsigned) override {}  // the supervisor's business
  unsigned cap() const override { return 1; }

  Worker worker_;
};

}  // namespace

const CoreInfo prefork_core = {
    .name = "prefork",
    .waiting = "blocking",
    .unit = "process",
    .distribution = "shared accept",
    .teaches = "isolation, its memory, the GIL's way out",
    .workers = CoreInfo::Workers::processes,
    .waits = CoreInfo::Waiting::blocking,
    .own_queues = false,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<Sequential>(context);
    },
};

}  // namespace corelab
