// The canned models. Each serves until the process ends, on the calling thread and on those it starts,
// which use the arguments to the last; what the operating system refuses ends the process (give_up.hpp).
#pragma once

#include <functional>

#include "benchmarks/floor/canned.hpp"
#include "benchmarks/floor/listener.hpp"

namespace corelab::floor {

/// The floor of the cores that block. A thread per connection; takes a blocking listener.
[[noreturn]] void run_blocking(const Listener& listener, const Canned& canned);

/// The floor of the loops. One thread, one level-triggered epoll; takes a non-blocking listener.
[[noreturn]] void run_epoll(const Listener& listener, const Canned& canned);

/// The floor of thread-pool-handoff. The calling thread waits for readiness, `threads` others serve; takes a
/// non-blocking listener.
[[noreturn]] void run_handoff(const Listener& listener, const Canned& canned, unsigned threads);

/// The floor of prefork. `processes` children share the listener, each serving one connection at a time; takes a blocking
/// listener. The children end with their parent. Calls `when_started` once they all exist.
[[noreturn]] void run_prefork(const Listener& listener, const Canned& canned, unsigned processes,
                              const std::function<void()>& when_started);

}  // namespace corelab::floor
