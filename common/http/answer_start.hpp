// What answers begin with: the same for all that a server gives, so that it is put together once.
#pragma once

#include <string>
#include <string_view>

#include "common/http/grammar.hpp"

namespace corelab {

/// The status line of most answers; others have their own ahead of what follows it in the answers' start.
inline constexpr std::string_view ok_line = "HTTP/1.1 200 OK";
inline constexpr std::string_view default_answer_start = "HTTP/1.1 200 OK\r\nServer: corelab\r\nDate: ";

/// The start of a 200, down to the value of its Date field, from a server of that name. One that is no product (a token:
/// RFC 9110 section 10.2.4) gives way to the default.
inline std::string answer_start(std::string_view server) {
  if (!grammar::is_token(server)) return std::string(default_answer_start);
  return std::string(ok_line) + "\r\nServer: " + std::string(server) + "\r\nDate: ";
}

}  // namespace corelab
