// The core `multi-reactor`: a thread and a Boost.Asio loop per worker, each with accept queues of its own.
#pragma once

#include "servers/server.hpp"

namespace corelab {

extern const CoreInfo multi_reactor_core;

/// The same with one worker: what each child of prefork-evented runs.
std::unique_ptr<Server> make_single_reactor(const ServerContext& context);

}  // namespace corelab
