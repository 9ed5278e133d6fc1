#include "common/http/head_scanner.hpp"

#include "common/http/find_either.hpp"

namespace corelab {

namespace {
constexpr Violation line_too_long{414, "the request line is longer than --limit-request-line allows"};
constexpr Violation head_too_long{431, "the request's head is longer than --limit-request-head allows"};
constexpr Violation trailers_too_long{431, "the body's trailers are longer than the limit allows"};
constexpr Violation bare_lf{400, "a line of the head ends in LF without CR"};
constexpr Violation bare_cr{400, "a line of the head holds CR without LF"};
constexpr Violation folded{400, "a header line starts with a blank (obsolete line folding)"};
constexpr Violation nameless{400, "a header field has no name"};
}  // namespace

Violation HeadScanner::scan(std::string_view bytes, const Limits& limits) {
  const std::size_t most = what_ == What::head ? limits.head : limits.chunk_overhead;
  const char* const end = bytes.data() + bytes.size();
  while (!complete_) {
    const char* mark = find_either(bytes.data() + scanned_, end, '\r', '\n');
    std::size_t line_end = static_cast<std::size_t>(mark - bytes.data());
    const bool is_request_line = what_ == What::head && first_line_ == 0;
    if (is_request_line && line_end - line_start_ > limits.request_line) return line_too_long;
    if (line_end + 2 > most) return what_ == What::head ? head_too_long : trailers_too_long;
    if (end - mark < 2 && (mark == end || *mark == '\r')) {  // the line, or the LF behind its CR, is yet to come
      scanned_ = line_end;
      return {};
    }
    if (*mark == '\n') return bare_lf;
    if (mark[1] != '\n') return bare_cr;
    if (!is_request_line) {
      const char first = bytes[line_start_];  // the CR, if the line is empty
      if (first == ' ' || first == '\t') return folded;
      if (first == ':') return nameless;
      complete_ = first == '\r';
    }
    scanned_ = line_start_ = line_end + 2;
    if (first_line_ == 0) first_line_ = line_start_;
  }
  return {};
}

}  // namespace corelab
