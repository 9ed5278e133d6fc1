// The blocking driver: one connection, from its first byte to its last, on the thread that calls.
#pragma once

#include "servers/blocking/blocked_connections.hpp"
#include "servers/driver/connection.hpp"

namespace corelab {

/// Serves `connection`, whose socket blocks, to its end; the caller closes it. `all` lets others wake it.
void serve_blocking(Connection& connection, BlockedConnections& all);

/// Makes recv(2) on what `listener` accepts return now and then, so that deadlines are seen to; accepted TCP sockets
/// inherit it from their listener, and save a system call each.
void set_receive_timeout(int fd, const Settings& settings);

}  // namespace corelab
