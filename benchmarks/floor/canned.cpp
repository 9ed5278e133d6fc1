#include "benchmarks/floor/canned.hpp"

#include <cstring>
#include <ctime>

namespace corelab::floor {
namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

// A chunk of nothing but ends of heads, the first of which may have begun in the chunk before.
constexpr std::size_t most_requests = (chunk_bytes + end_of_head.size() - 1) / end_of_head.size();

std::string http_date(std::time_t when) {
  std::tm utc{};
  gmtime_r(&when, &utc);
  char text[sizeof "Thu, 01 Jan 1970 00:00:00 GMT"];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

std::string response(bool close) {
  return "HTTP/1.1 200 OK\r\nServer: corelab\r\nDate: " + http_date(std::time(nullptr)) +
         "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n" +
         (close ? "Connection: close\r\n" : "") + "\r\nHello, World!";
}

}  // namespace

std::size_t RequestCounter::count(std::string_view chunk) {
  std::size_t requests = 0;
  const char* at = chunk.data();
  const char* const end = at + chunk.size();
  while (at != end) {
    if (matched_ == 0) {
      // Nearly every byte of a request is skipped here, many at a time.
      at = static_cast<const char*>(std::memchr(at, end_of_head[0], static_cast<std::size_t>(end - at)));
      if (at == nullptr) break;
      ++at;
      matched_ = 1;
    } else if (*at == end_of_head[matched_]) {
      ++at;
      if (++matched_ == end_of_head.size()) {
        ++requests;
        matched_ = 0;
      }
    } else {
      matched_ = 0;  // this byte is looked at again: it may be the CR that begins the next match
    }
  }
  return requests;
}

Canned::Canned(bool close) : close_(close) {
  const std::string one = response(close);
  response_bytes_ = one.size();
  const std::size_t repeats = close ? 1 : most_requests;
  block_.reserve(repeats * response_bytes_);
  for (std::size_t i = 0; i < repeats; ++i) block_ += one;
}

std::string_view Canned::answers(std::size_t requests) const {
  return std::string_view(block_).substr(0, requests * response_bytes_);
}

}  // namespace corelab::floor
