// The core `thread-per-connection`: accept, spawn a thread, which serves that connection to its end.
#pragma once

#include "servers/server.hpp"

namespace corelab {

extern const CoreInfo thread_per_connection_core;

}  // namespace corelab
