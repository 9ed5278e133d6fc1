#include "tests/fuzz/response_check.hpp"

#include <charconv>
#include <optional>

namespace corelab::test {

namespace {

bool has_bare_cr_or_lf(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return true;
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return true;
  }
  return false;
}

std::optional<std::size_t> number_after(std::string_view text, std::string_view name, int base = 10) {
  std::size_t at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t number = 0;
  const char* from = text.data() + at + name.size();
  if (std::from_chars(from, text.data() + text.size(), number, base).ec != std::errc()) return std::nullopt;
  return number;
}

/// Takes a chunked body off `rest`; false if it is not one.
bool take_chunks(std::string_view& rest) {
  for (;;) {
    std::optional<std::size_t> size = number_after(rest, "", 16);
    std::size_t line_end = rest.find("\r\n");
    if (!size || line_end == std::string_view::npos || rest.size() < line_end + 2 + *size + 2) return false;
    rest.remove_prefix(line_end + 2 + *size);
    if (!rest.starts_with("\r\n")) return false;
    rest.remove_prefix(2);
    if (*size == 0) return true;
  }
}

}  // namespace

std::string problem_with_output(std::string_view output, const std::vector<Given>& given, bool closed) {
  std::size_t answers = 0;
  bool said_close = false;
  for (;;) {
    while (output.starts_with(interim)) output.remove_prefix(interim.size());
    if (output.empty()) break;
    if (said_close) return "an answer behind the last one";
    bool is_refusal = answers == given.size();
    if (answers > given.size()) return "more answers than requests";
    Given expected = is_refusal ? Given{} : given[answers];
    ++answers;

    std::size_t head_end = output.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return "a head without an end";
    std::string_view head = output.substr(0, head_end + 2);
    output.remove_prefix(head_end + 4);
    if (!head.starts_with("HTTP/1.1 ")) return "no status line";
    if (has_bare_cr_or_lf(head)) return "a bare CR or LF in a head";
    if (head.find('\0') != std::string_view::npos) return "a NUL in a head";
    int status = static_cast<int>(number_after(head, "HTTP/1.1 ").value_or(0));
    if (status < 200 || status > 599) return "no final status";
    said_close = head.find("\r\nConnection: close\r\n") != std::string_view::npos;
    if (is_refusal && (!said_close || status < 400)) return "a refusal that does not close";

    std::optional<std::size_t> length = number_after(head, "\r\nContent-Length: ");
    bool is_chunked = head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string_view::npos;
    if (is_chunked && length) return "two framings";
    if (expected.to_head || status == 204 || status == 304) continue;
    if (is_refusal && output.empty()) continue;  // of a HEAD request
    if (expected.may_be_short && closed) break;
    if (length) {
      if (output.size() < *length) return "a body shorter than its length";
      output.remove_prefix(*length);
    } else if (is_chunked) {
      if (!take_chunks(output)) return "a malformed chunked body";
    } else {
      if (!said_close || !closed) return "a body whose end nobody can tell";
      output = {};
    }
  }
  if (answers < given.size()) return "an answer is missing";
  if (said_close && !closed) return "said close and stays";
  return {};
}

}  // namespace corelab::test
