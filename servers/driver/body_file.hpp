// A large request body in a temporary file that has no name.
#pragma once

#include <atomic>
#include <cstddef>

#include "common/http/body_store.hpp"

namespace corelab {

/// In $TMPDIR, else /tmp. Null, with a line in the log, if none can be made.
std::unique_ptr<BodyStore> make_body_file();

/// Bytes of bodies in this process's memory.
inline std::atomic<std::size_t> bodies_in_memory{0};

}  // namespace corelab
