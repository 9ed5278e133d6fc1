#include "servers/multi_reactor/multi_reactor.hpp"
#include "servers/prefork/prefork.hpp"

namespace corelab {

const CoreInfo prefork_evented_core = {
    .name = "prefork-evented",
    .waiting = "evented",
    .unit = "process",
    .distribution = "SO_REUSEPORT",
    .teaches = "nginx's shape; against multi-reactor: thread or process?",
    .workers = CoreInfo::Workers::processes,
    .waits = CoreInfo::Waiting::loop,
    .own_queues = true,
    .make = make_single_reactor,
};

}  // namespace corelab
