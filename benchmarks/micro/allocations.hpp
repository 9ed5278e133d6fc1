// Counts what operator new is asked for; part of the programs that compile allocations.cpp in.
#pragma once

#include <cstdint>

namespace corelab::micro {

/// Calls of operator new, of every form, on the calling thread.
std::uint64_t allocations();

}  // namespace corelab::micro
