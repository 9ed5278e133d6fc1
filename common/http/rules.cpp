#include "common/http/rules.hpp"

#include <algorithm>
#include <limits>

#include "common/http/grammar.hpp"
#include "common/http/parser.hpp"

namespace corelab::rules {

namespace {

constexpr Violation not_three_parts{400, "the request line is not 'method target version'"};

Method method_of(std::string_view name) {
  if (grammar::is_literally(name, "GET")) return Method::get;
  for (Method m : {Method::get, Method::post, Method::head, Method::put, Method::del, Method::options, Method::patch,
                   Method::trace, Method::connect}) {
    if (to_string(m) == name) return m;
  }
  return Parser::knows_method(name) ? Method::other : Method::unknown;
}

Violation read_version(std::string_view version, Request& request) {
  if (grammar::is_literally(version, "HTTP/1.1")) {
    request.version_minor = 1;
    return {};
  }
  if (version == "HTTP/1.0") {
    request.version_minor = 0;
    return {};
  }
  bool is_http = version.size() == 8 && version.starts_with("HTTP/") && grammar::is_digit(version[5]) &&
                 version[6] == '.' && grammar::is_digit(version[7]);
  if (is_http) return {505, "only HTTP/1.1 and HTTP/1.0 are served"};
  return {400, "the request line does not end in an HTTP version"};
}

// `path_end` is where the '?' stands, or the end.
void split_path(std::string_view from, std::size_t path_end, Request& request) {
  request.path = from.substr(0, path_end);
  request.query = path_end == from.size() ? std::string_view() : from.substr(path_end + 1);
  if (request.path.empty()) request.path = "/";  // RFC 9110 section 4.2.3
}

// The forms of RFC 9112 section 3.2. `target` has the right characters; `path_end` as above.
Violation read_target(std::string_view target, std::size_t path_end, Request& request) {
  request.target = target;
  if (request.method == Method::connect) return {501, "CONNECT is not served: this is no proxy"};
  if (target.front() == '/') {
    split_path(target, path_end, request);
    return {};
  }
  if (target == "*") {
    request.path = target;
    if (request.method != Method::options) return {400, "the request target * is for OPTIONS only"};
    return {};
  }
  std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return {400, "the request target is neither a path nor a URI"};
  std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return {400, "the request target's scheme is neither http nor https"};
  }
  std::string_view rest = target.substr(scheme_end + 3);
  std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  request.authority = rest.substr(0, authority_end);
  if (!grammar::is_authority(request.authority)) return {400, "the request target's host is malformed"};
  rest.remove_prefix(authority_end);
  split_path(rest, std::min(rest.find('?'), rest.size()), request);
  return {};
}

/// The transfer codings of all its fields, in their order (RFC 9112 section 6.1).
struct TransferCodings {
  int count = 0, chunked = 0;
  bool last_is_chunked = false, has_empty = false;

  void add(std::string_view list) {
    for (;;) {
      std::size_t comma = std::min(list.find(','), list.size());
      std::string_view coding = grammar::without_blanks(list.substr(0, comma));
      ++count;
      has_empty |= coding.empty();
      last_is_chunked = equals_ignoring_case(coding, "chunked");
      chunked += last_is_chunked ? 1 : 0;
      if (comma == list.size()) return;
      list.remove_prefix(comma + 1);
    }
  }

  Violation violation() const {
    if (has_empty) return {400, "Transfer-Encoding has an empty element"};
    if (!last_is_chunked || chunked > 1) {
      return {400, "Transfer-Encoding does not end in 'chunked', once: nobody knows where the body ends"};
    }
    return count > 1 ? Violation{501, "only the transfer coding 'chunked' is served"} : Violation{};
  }
};

Violation read_content_length(std::string_view value, std::size_t most, std::size_t& length) {
  if (value.empty()) return {400, "Content-Length is empty"};
  std::size_t number = 0;
  for (char c : value) {
    if (!grammar::is_digit(c)) return {400, "Content-Length is not a number"};
    std::size_t digit = static_cast<std::size_t>(c - '0');
    if (number > (std::numeric_limits<std::size_t>::max() - digit) / 10) return {400, "Content-Length is too large"};
    number = number * 10 + digit;
  }
  if (number > most) return {413, "the body is larger than --limit-request-body allows"};
  length = number;
  return {};
}

}  // namespace

Violation read_request_line(std::string_view line, Request& request) {
  std::size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos) return not_three_parts;
  std::size_t target_begin = method_end + 1;
  std::size_t path_end = grammar::run_end(line, grammar::path_char, target_begin);
  std::size_t target_end = grammar::run_end(line, grammar::target_char, path_end);
  bool has_only_target_chars = target_end != line.size() && line[target_end] == ' ';
  if (!has_only_target_chars) target_end = line.find(' ', target_end);
  if (target_end == std::string_view::npos) return not_three_parts;

  request.method_name = line.substr(0, method_end);
  std::string_view target = line.substr(target_begin, target_end - target_begin);
  if (!grammar::is_token(request.method_name)) return {400, "the method is not a token"};
  if (target.empty()) return {400, "the request target is empty"};
  if (Violation found = read_version(line.substr(target_end + 1), request)) return found;
  request.method = method_of(request.method_name);
  if (!has_only_target_chars) return {400, "the request target holds a character that no URI has"};
  return read_target(target, path_end - target_begin, request);
}

Violation read_fields(Request& request, std::size_t most, Framing& framing) {
  int hosts = 0, lengths = 0;
  TransferCodings codings;
  bool unmet_expectation = false;
  std::string_view host, length_text;
  for (const Field& field : request.fields) {
    // By length first: no field of a usual request is compared with more than one name.
    switch (field.name.size()) {
      case 4:
        if (equals_ignoring_case(field.name, "host")) {
          ++hosts;
          host = field.value;
        }
        break;
      case 6:
        if (equals_ignoring_case(field.name, "expect")) {
          bool known = equals_ignoring_case(field.value, "100-continue");
          (known ? framing.expects_continue : unmet_expectation) = true;
        }
        break;
      case 14:
        if (equals_ignoring_case(field.name, "content-length")) {
          ++lengths;
          length_text = field.value;
        }
        break;
      case 17:
        if (equals_ignoring_case(field.name, "transfer-encoding")) codings.add(field.value);
        break;
      default: break;
    }
  }

  if (hosts > 1) return {400, "the request has more than one Host"};
  if (hosts == 0 && request.version_minor == 1) return {400, "the request has no Host"};
  if (hosts == 1 && !grammar::is_authority(host)) return {400, "Host is malformed"};
  if (request.authority.empty()) request.authority = host;

  if (codings.count != 0) {
    if (request.version_minor == 0) return {400, "Transfer-Encoding on HTTP/1.0"};
    if (lengths != 0) return {400, "Transfer-Encoding beside Content-Length"};
    if (Violation found = codings.violation()) return found;
    framing.chunked = true;
  }
  if (lengths > 1) return {400, "the request has more than one Content-Length"};
  // An expectation goes ahead of the length, so that 417 does not depend on how large the body is.
  if (request.version_minor == 0) framing.expects_continue = unmet_expectation = false;  // RFC 9110 section 10.1.1
  if (unmet_expectation) return {417, "only the expectation '100-continue' is met"};
  return lengths == 0 ? Violation{} : read_content_length(length_text, most, framing.content_length);
}

Violation why_coding_is_refused(std::string_view head) {
  TransferCodings codings;
  for (std::size_t line_end = head.find("\r\n"); line_end != std::string_view::npos; line_end = head.find("\r\n")) {
    head.remove_prefix(line_end + 2);
    std::string_view line = head.substr(0, head.find("\r\n"));
    std::size_t colon = std::min(line.find(':'), line.size());
    if (equals_ignoring_case(line.substr(0, colon), "transfer-encoding")) codings.add(line.substr(std::min(colon + 1, line.size())));
  }
  Violation found = codings.violation();
  return found ? found : Violation{400, "Transfer-Encoding is malformed"};
}

}  // namespace corelab::rules
