#pragma once
// Time as the tests see it. Every wait of a test is bounded by a deadline, and every bound is stretched by
// one factor, so that the same tests pass under sanitizers and on a busy machine.

#include <chrono>
#include <functional>

namespace corelab::test {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;
using Deadline = Clock::time_point;

// The factor: environment CORELAB_TEST_SLOWDOWN, else what the build chose (1, more under a sanitizer). At
// least 1.
double slowdown();

// Is the program under test built with a sanitizer? Its memory and its threads are then its own affair.
bool is_sanitized();
// With ThreadSanitizer? A signal's handler then runs only when its thread next calls
// something that the sanitizer knows: not while it waits in libraries that were built without.
bool is_thread_sanitized();

// `bound` stretched by the factor. Stretch upper bounds only: a lower bound holds on a slow machine as it is.
Millis patient(Millis bound);

// The moment `bound`, stretched, from now.
Deadline deadline_in(Millis bound);

// Milliseconds until `deadline`, rounded up, never negative: what poll(2) takes.
int millis_left(Deadline deadline);

// Asks every 10 ms until `condition` holds. False when `within`, stretched, passes first.
bool eventually(const std::function<bool()>& condition, Millis within);

// Runs `work` and returns how long it took.
Millis time_of(const std::function<void()>& work);

}  // namespace corelab::test
