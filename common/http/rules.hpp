// What RFC 9112 asks of a request's head beyond its syntax: version, target form, Host, framing, Expect. Each rule is
// here because llhttp lets the request by.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/http/message.hpp"
#include "common/http/violation.hpp"

namespace corelab::rules {

/// Splits and checks `line`, the request line without its CRLF, and sets method, target, path, query and version.
Violation read_request_line(std::string_view line, Request& request);

/// How the body is framed and what the client expects, as the fields say.
struct Framing {
  bool chunked = false;
  std::size_t content_length = 0;
  bool expects_continue = false;
};

/// Checks `request.fields`, sets its authority, and fills `framing`. `most` is the largest body allowed, in bytes.
Violation read_fields(Request& request, std::size_t most, Framing& framing);

/// Of a head that llhttp gave up on in the middle of a Transfer-Encoding: what is wrong with that. 400 if its last coding is
/// not `chunked` (RFC 9112 section 6.3), 501 if there are others before.
Violation why_coding_is_refused(std::string_view head);

}  // namespace corelab::rules
