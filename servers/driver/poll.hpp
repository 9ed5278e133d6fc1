// Waiting for one descriptor or a few, on a thread that may block.
#pragma once

#include <poll.h>

#include <span>

#include "common/clock.hpp"

namespace corelab {

/// Called when a signal has interrupted the process's main thread while it waited: the application's handlers for it may
/// be due (Lifecycle::attend). Null: nobody's are. Set before there are threads.
extern void (*attend_interruption)();
/// Calls it, on the main thread alone.
void interrupted();

/// ppoll(2) until one descriptor is ready, or the deadline has passed (0).
int poll_until(std::span<pollfd> fds, Deadline deadline);

/// Blocks until poll(2) reports one of `events` on `fd`, or an error; false when `deadline` has passed.
bool wait_for(int fd, short events, Deadline deadline);

}  // namespace corelab
