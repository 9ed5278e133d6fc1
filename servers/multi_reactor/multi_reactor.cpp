#include "servers/multi_reactor/multi_reactor.hpp"

#include "servers/evented/evented_server.hpp"
#include "servers/multi_reactor/asio_reactor.hpp"

namespace corelab {

const CoreInfo multi_reactor_core = {
    .name = "multi-reactor",
    .waiting = "evented",
    .unit = "thread per reactor",
    .distribution = "SO_REUSEPORT",
    .teaches = "scaling, and the hash that ignores load",
    .workers = CoreInfo::Workers::reactors,
    .waits = CoreInfo::Waiting::loop,
    .own_queues = true,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<EventedServer>(context, context.settings.current().workers, make_asio_reactor);
    },
};

std::unique_ptr<Server> make_single_reactor(const ServerContext& context) {
  return std::make_unique<EventedServer>(context, 1, make_asio_reactor);
}

}  // namespace corelab
