// The cores `prefork` and `prefork-evented`: worker processes behind one supervisor.
#pragma once

#include "servers/server.hpp"

namespace corelab {

extern const CoreInfo prefork_core;
extern const CoreInfo prefork_evented_core;

}  // namespace corelab
