#include "tests/fuzz/session_invariants.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "common/app/router.hpp"
#include "tests/fuzz/response_check.hpp"
#include "tests/unit/in_memory_connection.hpp"

namespace corelab::test {
namespace {

struct Choice {
  Cut cut;
  Limits limits;
  bool half_closes = false;
  bool drains = false;
};

Choice choose(std::uint8_t byte) {
  static constexpr Cut cuts[] = {{1, 1},   {2, 2},     {3, 3},        {5, 5},
                                 {16, 16}, {100, 100}, {7, Cut::all}, {1, Cut::all}};
  Choice choice;
  choice.cut = cuts[byte & 7];
  if (byte & 8) {
    choice.limits.request_line = 64;
    choice.limits.head = 256;
    choice.limits.fields = 8;
    choice.limits.body = 64;
    choice.limits.chunk_overhead = 32;
    choice.limits.pipeline = 3;
    choice.limits.output = 512;
  }
  choice.half_closes = (byte & 16) != 0;
  if (byte & 32) choice.cut.taken = 11;
  choice.drains = (byte & 64) != 0;
  return choice;
}

class CountingSource final : public BodySource {
 public:
  CountingSource(std::size_t n, bool has_length, bool fails) : left_(n), fails_(fails) {
    if (has_length) length_ = n;
  }
  std::size_t pull(std::span<char> into) override {
    if (fails_ && left_ < 10) throw std::runtime_error("the source fails");
    std::size_t n = std::min({into.size(), left_, std::size_t{9}});
    std::memset(into.data(), 'x', n);
    left_ -= n;
    return n;
  }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::size_t left_;
  bool fails_;
  std::optional<std::size_t> length_;
};

Response source(std::size_t n, bool has_length, bool fails = false) {
  return {200, plain_text, std::make_unique<CountingSource>(n, has_length, fails)};
}

/// By the path's first letter: every kind of answer there is.
Response answer(const Request& request, bool& may_be_short) {
  char kind = request.path.size() > 1 ? request.path[1] : ' ';
  std::size_t n = request.query.size() * 3;
  switch (kind) {
    case 'c':
      return source(n, false);
    case 's':
      return source(n, true);
    case 'f':
      may_be_short = true;
      return source(n + 1, true, true);
    case 'n':
      return Response(204);
    case 'u':
      return Response(304);
    case 'l':
      return text(std::string(20'000, 'l'));
    case 'v':
      return fixed("view");
    case 'e':
      return std::move(text("end").close());
    case 'h': {
      Response response = text("header");
      std::string decoded;
      if (!percent_decode(request.path, decoded)) return text("escape", 400);
      try {
        response.header("X-Path", decoded);
      } catch (const std::invalid_argument&) {
        return text("split", 400);
      }
      return response;
    }
    default:
      break;
  }
  // Nothing of the request's own bytes: what is in the output is the session's doing.
  std::size_t sum = request.body.size() + 31 * request.fields.size() + 37 * request.authority.size();
  for (char c : request.body.rest()) sum = sum * 131 + static_cast<unsigned char>(c);
  for (const Field& field : request.fields) sum += 7 * field.name.size() + 11 * field.value.size();
  return text(std::to_string(static_cast<int>(request.method)) + ' ' + std::to_string(sum));
}

struct Outcome {
  std::string output;
  bool closed = false;
  std::string problem;
};

Outcome serve(std::string_view bytes, const Choice& choice, Cut cut) {
  std::vector<Given> given;
  InMemoryConnection connection(
      [&given](const Request& request) {
        Given next{request.method == Method::head, false};
        Response response = answer(request, next.may_be_short);
        given.push_back(next);
        return response;
      },
      choice.limits);
  if (choice.drains) connection.drain();
  connection.send(bytes, cut);
  if (choice.half_closes) connection.half_close();
  Outcome outcome{connection.output(), connection.closed(),
                  problem_with_output(connection.output(), given, connection.closed())};
  if (choice.half_closes && !outcome.closed) outcome.problem = "open though nothing will come any more";
  return outcome;
}

/// An interim answer is owed only while a body is awaited: how often depends on the cut.
std::string without_interim(std::string output) {
  for (std::size_t at; (at = output.find(interim)) != std::string::npos;) output.erase(at, interim.size());
  return output;
}

std::string comparison(const std::string& what, const Outcome& uncut, const Outcome& cut) {
  return what + "\n--- whole" + (uncut.closed ? ", closed" : "") + ":\n" + uncut.output + "\n--- cut" +
         (cut.closed ? ", closed" : "") + ":\n" + cut.output + "\n---\n";
}

}  // namespace

std::string violated_invariant(std::string_view input) {
  if (input.empty()) return {};
  Choice choice = choose(static_cast<std::uint8_t>(input[0]));
  try {
    Outcome uncut = serve(input.substr(1), choice, whole);
    Outcome cut = serve(input.substr(1), choice, choice.cut);
    for (const Outcome* each : {&uncut, &cut}) {
      if (!each->problem.empty()) return comparison(each->problem, uncut, cut);
    }
    if (uncut.closed != cut.closed)
      return comparison("the cut decides whether the connection closes", uncut, cut);
    if (without_interim(uncut.output) != without_interim(cut.output)) {
      return comparison("the cut changes the answers", uncut, cut);
    }
  } catch (const std::logic_error& broken_promise) {
    return broken_promise.what();
  }
  return {};
}

}  // namespace corelab::test
