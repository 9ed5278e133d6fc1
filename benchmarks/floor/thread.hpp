// Threads that serve until the process ends.
#pragma once

#include <functional>

namespace corelab::floor {

/// Runs `body` on a thread of its own with a stack of 256 KiB, as the cores have. Gives up when there are no
/// more.
void start_thread(std::function<void()> body);

}  // namespace corelab::floor
