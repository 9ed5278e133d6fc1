// The generator's one clock: nanoseconds of the monotonic clock, as plain numbers so that they can be subtracted,
// averaged and binned.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace corelab::load {

using Ns = std::int64_t;
inline constexpr Ns never = std::numeric_limits<Ns>::max();

inline Ns now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

constexpr Ns from_seconds(double seconds) { return static_cast<Ns>(seconds * 1e9); }
constexpr double seconds(Ns ns) { return static_cast<double>(ns) / 1e9; }
constexpr double milliseconds(Ns ns) { return static_cast<double>(ns) / 1e6; }

}  // namespace corelab::load
