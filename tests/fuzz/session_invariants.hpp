// What holds of a session whatever bytes it is given, and however they are cut.
#pragma once

#include <string>
#include <string_view>

namespace corelab::test {

/// Feeds an input whole and in pieces; its first byte chooses the pieces, the limits, and how the connection
/// ends. Says which invariant was violated, with both transcripts; empty if all hold: the answers are the
/// same bytes, well-formed, one a request and none behind the last; what gathers is bounded.
std::string violated_invariant(std::string_view input);

}  // namespace corelab::test
