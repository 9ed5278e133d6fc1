#include "tests/unit/answers.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace corelab::test {

std::size_t PiecesSource::pull(std::span<char> into) {
  if (next_ == pieces_.size()) {
    if (throws_) throw std::runtime_error("the source fails");
    return 0;
  }
  const std::string& piece = pieces_[next_++];
  std::memcpy(into.data(), piece.data(), piece.size());
  return piece.size();
}

const std::string& large_body() {
  static const std::string body = [] {
    std::string text;
    while (text.size() < 100'000) text += std::to_string(text.size()) + ' ';
    return text;
  }();
  return body;
}

namespace {

Response from(std::vector<std::string> pieces, std::optional<std::size_t> length = {}, bool throws = false) {
  return {200, plain_text, std::make_unique<PiecesSource>(std::move(pieces), length, throws)};
}

Response show(const Request& request) {
  std::string body(request.body.rest());
  return text(std::string(request.method_name) + '|' + std::string(request.path) + '|' +
              std::string(request.query) + '|' + std::string(request.authority) + "|1." +
              std::to_string(request.version_minor) + '|' + std::to_string(request.fields.size()) + '|' +
              body);
}

}  // namespace

Response answer(const Request& request) {
  std::string_view path = request.path;
  if (path == "/plain") return fixed("Hello, World!");
  if (path == "/echo") return text(std::string(request.body.rest()));
  if (path == "/show") return show(request);
  if (path == "/none") return Response(204, plain_text, std::string("must not be sent"));
  if (path == "/unchanged") return Response(304, plain_text, std::string("must not be sent"));
  if (path == "/large") return text(std::string(large_body()));
  if (path == "/large-view") return {200, plain_text, std::string_view(large_body())};
  if (path == "/chunked") return from({"abc", "defg"});
  if (path == "/chunked-empty") return from({});
  if (path == "/sized") return from({"abc", "defg"}, 7);
  if (path == "/throws") return from({"abc"}, 7, true);
  if (path == "/throws-chunked") return from({"abc"}, {}, true);
  if (path == "/short") return from({"abc"}, 7);
  if (path == "/close") return std::move(text("bye").close());
  if (path == "/headers") return std::move(text("x").header("X-One", "1").header("Content-Type", "text/css"));
  return text("not here", 404);
}

}  // namespace corelab::test
