#include "servers/event_loop/event_loop.hpp"

#include "servers/event_loop/uv_reactor.hpp"
#include "servers/evented/evented_server.hpp"

namespace corelab {

const CoreInfo event_loop_core = {
    .name = "event-loop",
    .waiting = "evented",
    .unit = "one thread",
    .distribution = "none",
    .teaches = "one blocking handler stops everyone",
    .workers = CoreInfo::Workers::none,
    .waits = CoreInfo::Waiting::loop,
    .own_queues = false,
    .make = [](const ServerContext& context) -> std::unique_ptr<Server> {
      return std::make_unique<EventedServer>(context, 1, make_uv_reactor);
    },
};

}  // namespace corelab
