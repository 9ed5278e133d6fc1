// The cores `thread-pool`, whose queue holds connections, and `thread-pool-handoff`, whose queue holds requests.
#pragma once

#include "servers/server.hpp"

namespace corelab {

extern const CoreInfo thread_pool_core;
extern const CoreInfo thread_pool_handoff_core;

}  // namespace corelab
