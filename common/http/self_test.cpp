#include "common/http/self_test.hpp"

#include <stdexcept>
#include <string_view>

#include "common/http/session.hpp"

namespace corelab {

namespace {

// True if not one request, but a refusal, came out of it.
bool is_refused(std::string_view bytes) {
  Limits limits;
  Session session;
  session.begin({.limits = limits});
  session.feed(bytes);
  return session.next() == Session::Want::write;
}

}  // namespace

void check_parser() {
  // Each but the first is taken by llhttp 8 without its strict mode (tests/unit/lax_parser_test.cpp shows it): where CR
  // has to be followed by LF, any letter will do.
  constexpr std::string_view smuggled[] = {
      // CVE-2023-30589: CR alone ends a field for the parser, and hides the next for a proxy.
      "GET / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\nhello",
      // A chunk's size, its extension and its data, each ended by CR alone, and the last chunk's size.
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\rXD\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;e\rXD\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nD\rX0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nD\r\n0\rX\r\n\r\n",
      // Data that is longer than its chunk says.
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nDX\n0\r\n\r\n",
  };
  for (std::string_view bytes : smuggled) {
    if (!is_refused(bytes)) {
      throw std::runtime_error("the llhttp this was built with lets smuggled requests through; build it strict");
    }
  }
}

}  // namespace corelab
