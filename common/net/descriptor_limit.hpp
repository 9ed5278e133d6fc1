// How many descriptors this process may have open: the soft limit that it was started with, until its connections come near
// that, then the hard one. What the application starts meanwhile inherits what it would have inherited anyway.
#pragma once

#include <cstdint>
#include <functional>

namespace corelab::descriptor_limit {

/// Remembers the limits; says the hard one. Before any thread.
std::uint64_t remember();

/// Any thread, for each descriptor that a connection gets: raises the limit when half of it is in use.
void saw(int fd);

/// What else is to be done then, on that thread. Before any thread.
void when_raised(std::function<void()> what);

/// In a process that the application has forked: the soft limit is what it was. Async-signal-safe.
void restore();

}  // namespace corelab::descriptor_limit
