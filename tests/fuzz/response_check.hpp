// Reads all that a session sent on one connection as a strict client would, and says what is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace corelab::test {

/// An answer that a handler gave.
struct Given {
  bool to_head = false;       ///< to a HEAD request: it has no body
  bool may_be_short = false;  ///< its source fails: the connection may end in it
};

inline constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";

/// `given` are the answers in order; behind them may be one refusal of the session's own. Empty if all is
/// well.
std::string problem_with_output(std::string_view output, const std::vector<Given>& given, bool closed);

}  // namespace corelab::test
