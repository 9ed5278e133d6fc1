// A check, at start-up, that the parser we were linked with is a strict one.
#pragma once

namespace corelab {

/// Feeds the session requests that smuggle a second one past a lax parser (CVE-2023-30589 and kin). Throws
/// std::runtime_error, with a sentence, if one of them is accepted.
void check_parser();

}  // namespace corelab
