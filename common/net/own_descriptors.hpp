// Descriptors that a process which the application forks has no use for: it would keep a port open that the server has
// closed.
#pragma once

#include <vector>

namespace corelab::own_descriptors {

/// Before any thread, once.
void add(const std::vector<int>& descriptors);

/// It is about to be closed: its number may soon be somebody else's. Any thread.
void remove(int descriptor);

/// In a process that the application has forked. Async-signal-safe.
void close_all();

}  // namespace corelab::own_descriptors
