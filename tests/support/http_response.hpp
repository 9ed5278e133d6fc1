#pragma once
// One HTTP/1.x response as a strict client reads it. Sans-I/O: used on bytes from a socket and on bytes from
// a session.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corelab::test {

struct HttpResponse {
  int status = 0;
  int minor_version = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in the order received
  std::string body;                                          // decoded
  std::string raw;                                           // every byte of it, as received

  // The value of the first header of that (lower case) name, or null.
  const std::string* header(std::string_view name) const;
  // True when the response says that the connection ends behind it.
  bool says_close() const;
};

enum class ParseState { complete, incomplete, malformed };

struct ParsedResponse {
  ParseState state = ParseState::incomplete;
  HttpResponse response;  // when complete; its raw.size() bytes were consumed
  std::string problem;    // when malformed: what is wrong with it
};

// Reads one response from the start of `bytes`. `to_head`: it answers a HEAD request, so no body follows.
// `at_end`: no byte will ever follow `bytes`, which is what ends a body without a length.
// Anything a careful peer would refuse (a bare LF, two lengths, a length beside chunked) is malformed.
ParsedResponse parse_response(std::string_view bytes, bool to_head, bool at_end);

// `raw` without its Date lines, so that answers of different seconds compare equal.
std::string without_date(std::string_view raw);

}  // namespace corelab::test
