#pragma once
// What a server says of itself on /stats.

#include <string>

namespace corelab::test {

// Connections that are open in all its workers, the asking one included: 1 on a server at rest. -1 when it
// does not say.
int open_connections(const std::string& address);

}  // namespace corelab::test
