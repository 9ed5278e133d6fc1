// The one clock that deadlines are reckoned with.
#pragma once

#include <chrono>

namespace corelab {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

}  // namespace corelab
