// All cores, by name. A new one joins by adding a folder and a line in registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "servers/server.hpp"

namespace corelab {

std::span<const CoreInfo* const> all_cores();

/// Null if there is none of that name.
const CoreInfo* find_core(std::string_view name);

}  // namespace corelab
