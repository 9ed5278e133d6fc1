// What the lab's handlers do instead of real work.
#pragma once

#include <chrono>
#include <cstddef>

#include "common/http/message.hpp"

namespace corelab {

/// Uses that much of the calling thread's CPU time.
void burn_cpu(std::chrono::microseconds time);

/// Keeps the calling thread asleep that long, as a blocking library would.
void block_thread(std::chrono::milliseconds time);

/// An answer of `n` bytes, always the same.
Response pattern(std::size_t n);

}  // namespace corelab
