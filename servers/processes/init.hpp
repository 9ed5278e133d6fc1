// The first process of a container (PID 1): the kernel gives it every orphan, and whoever does not wait for those fills the
// process table. The server has children of its own application's, which only that may wait for; so it is not the
// first process itself.
#pragma once

namespace corelab {

/// If this process is the first: forks, and returns in the child, which is the server. The first process passes signals on
/// to it, waits for whoever ends, and ends as the server does. Before any thread. Throws std::system_error.
void be_init_if_first();

}  // namespace corelab
