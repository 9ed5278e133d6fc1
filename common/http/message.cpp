#include "common/http/message.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "common/http/grammar.hpp"

namespace corelab {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::del: return "DELETE";
    case Method::options: return "OPTIONS";
    case Method::patch: return "PATCH";
    case Method::trace: return "TRACE";
    case Method::connect: return "CONNECT";
    case Method::other:
    case Method::unknown: return "";
  }
  return "";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return grammar::lower(x) == grammar::lower(y);
         });
}

std::size_t BodyReader::read(std::span<char> into) {
  std::size_t n = std::min(into.size(), rest_.size());
  std::copy_n(rest_.begin(), n, into.begin());
  rest_.remove_prefix(n);
  return n;
}

std::string Peer::address() const {
  if (family == Family::local) return "unix";
  if (family == Family::unknown) return "-";
  // inet_ntop() prints these with sprintf(): too much for each request of a WSGI application.
  if (family == Family::ipv4) {
    std::string text = std::to_string(bytes[0]);
    for (int i = 1; i < 4; ++i) (text += '.') += std::to_string(bytes[i]);
    return text;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes, text.data(), text.size());
  return text.data();
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Field& field : fields) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

namespace {

bool splits(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos; }

}  // namespace

Response& Response::reason(std::string phrase) {
  if (splits(phrase)) throw std::invalid_argument("the reason phrase holds CR, LF or NUL");
  reason_ = std::make_unique<const std::string>(std::move(phrase));
  return *this;
}

Response& Response::header(std::string name, std::string value) {
  if (!grammar::is_token(name)) throw std::invalid_argument("a header's name must be a token: '" + name + "'");
  if (splits(value)) {
    throw std::invalid_argument("the value of header '" + name + "' holds CR, LF or NUL");
  }
  for (std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Date", "Server"}) {
    if (equals_ignoring_case(name, own)) throw std::invalid_argument("header '" + name + "' is written by the server");
  }
  if (equals_ignoring_case(name, "Content-Type")) content_type_ = {};
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

}  // namespace corelab
