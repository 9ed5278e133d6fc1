// A large request body in a temporary file that has no name.
#pragma once

#include "common/http/body_store.hpp"

namespace corelab {

/// In $TMPDIR, else /tmp. Null, with a line in the log, if none can be made.
std::unique_ptr<BodyStore> make_body_file();

}  // namespace corelab
