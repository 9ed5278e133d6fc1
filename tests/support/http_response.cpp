#include "tests/support/http_response.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace corelab::test {
namespace {

constexpr std::string_view kCrlf = "\r\n";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <typename Number>
std::optional<Number> number(std::string_view digits, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || digits.empty() || digits.front() == '-') return std::nullopt;
  return value;
}

bool is_token(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](unsigned char c) {
    return std::isalnum(c) || others.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

ParsedResponse malformed(std::string problem) { return {ParseState::malformed, {}, std::move(problem)}; }

// The head, up to and with its empty line. Returns its problem, empty when there is none.
std::string parse_head(std::string_view head, HttpResponse& response) {
  size_t at = 0;
  for (bool first = true; at < head.size(); first = false) {
    const size_t end = head.find(kCrlf, at);
    const std::string_view line = head.substr(at, end - at);
    at = end + kCrlf.size();
    if (line.find_first_of("\r\n") != std::string_view::npos) return "a bare CR or LF in the head";
    if (line.empty()) break;
    if (first) {
      const bool shaped =
          line.size() >= 13 && line.starts_with("HTTP/1.") && line[8] == ' ' && line[12] == ' ';
      const auto status = shaped ? number<int>(line.substr(9, 3), 10) : std::nullopt;
      if (!status) return "not a status line: " + std::string(line);
      response.minor_version = line[7] - '0';
      response.status = *status;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return "not a header line: " + std::string(line);
    response.headers.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return {};
}

// Decodes a chunked body that starts at `at`; moves `at` behind it.
ParseState parse_chunked(std::string_view bytes, size_t& at, std::string& body) {
  for (;;) {
    const size_t line_end = bytes.find(kCrlf, at);
    if (line_end == std::string_view::npos) return ParseState::incomplete;
    const std::string_view line = bytes.substr(at, line_end - at);
    const auto size = number<size_t>(line.substr(0, line.find(';')), 16);
    if (!size) return ParseState::malformed;
    at = line_end + kCrlf.size();
    if (*size == 0) break;
    if (bytes.size() - at < *size + kCrlf.size()) return ParseState::incomplete;
    body.append(bytes.substr(at, *size));
    at += *size;
    if (bytes.substr(at, kCrlf.size()) != kCrlf) return ParseState::malformed;
    at += kCrlf.size();
  }
  for (;;) {
    const size_t line_end = bytes.find(kCrlf, at);
    if (line_end == std::string_view::npos) return ParseState::incomplete;
    const bool last = line_end == at;
    at = line_end + kCrlf.size();
    if (last) return ParseState::complete;
  }
}

}  // namespace

const std::string* HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return &value;
  return nullptr;
}

bool HttpResponse::says_close() const {
  const std::string* connection = header("connection");
  return connection && lower(*connection) == "close";
}

ParsedResponse parse_response(std::string_view bytes, bool to_head, bool at_end) {
  ParsedResponse parsed;
  const size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return parsed;
  size_t at = head_end + 4;
  HttpResponse& response = parsed.response;
  if (std::string problem = parse_head(bytes.substr(0, at), response); !problem.empty())
    return malformed(problem);

  const auto count = [&](std::string_view name) {
    return std::count_if(response.headers.begin(), response.headers.end(),
                         [&](const auto& header) { return header.first == name; });
  };
  const std::string* length_text = response.header("content-length");
  const std::string* coding = response.header("transfer-encoding");
  if (count("content-length") > 1) return malformed("more than one Content-Length");
  if (length_text && coding) return malformed("Content-Length beside Transfer-Encoding");
  if (coding && lower(*coding) != "chunked") return malformed("Transfer-Encoding: " + *coding);
  const auto length = length_text ? number<size_t>(*length_text, 10) : std::nullopt;
  if (length_text && !length) return malformed("Content-Length: " + *length_text);

  const int status = response.status;
  const bool bodiless = to_head || status / 100 == 1 || status == 204 || status == 304;
  if (bodiless) {
    parsed.state = ParseState::complete;
  } else if (coding) {
    parsed.state = parse_chunked(bytes, at, response.body);
    if (parsed.state == ParseState::malformed) return malformed("a broken chunk");
  } else if (length) {
    if (bytes.size() - at >= *length) {
      response.body = bytes.substr(at, *length);
      at += *length;
      parsed.state = ParseState::complete;
    }
  } else if (at_end) {
    response.body = bytes.substr(at);
    at = bytes.size();
    parsed.state = ParseState::complete;
  }
  if (parsed.state == ParseState::complete) response.raw = bytes.substr(0, at);
  return parsed;
}

std::string without_date(std::string_view raw) {
  std::string out(raw);
  for (size_t at = 0; (at = out.find("\r\nDate: ", at)) != std::string::npos;)
    out.erase(at, out.find(kCrlf, at + 2) - at);
  return out;
}

}  // namespace corelab::test
