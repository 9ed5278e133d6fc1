// The core `event-loop`: one thread, one libuv loop.
#pragma once

#include "servers/server.hpp"

namespace corelab {

extern const CoreInfo event_loop_core;

}  // namespace corelab
