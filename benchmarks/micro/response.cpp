// Answers of every kind to the same request: what differs between the rows is what it costs to write them.

#include <memory>

#include "benchmarks/micro/row.hpp"
#include "benchmarks/micro/session_rows.hpp"

namespace corelab::micro {
namespace {

class Zeros final : public BodySource {
 public:
  Zeros(std::size_t n, bool knows_length) : left_(n) {
    if (knows_length) length_ = n;
  }
  std::size_t pull(std::span<char> into) override {
    std::size_t n = std::min(into.size(), left_);
    std::fill_n(into.begin(), n, '0');
    left_ -= n;
    return n;
  }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::size_t left_;
  std::optional<std::size_t> length_;
};

template <class Answer>
void respond(benchmark::State& state, Answer answer) {
  BareDriver driver;
  driver.serve(wrk_request, answer);
  AllocationCount count;
  for (auto _ : state) driver.serve(wrk_request, answer);
  count.report(state);
}

void no_content(benchmark::State& state) {
  respond(state, [](const Request&) { return Response(204); });
}
BENCHMARK(no_content)->Name("response/no_content");

void literal(benchmark::State& state) {
  respond(state, [](const Request&) { return fixed("Hello, World!"); });
}
BENCHMARK(literal)->Name("response/literal");

void owned(benchmark::State& state) {
  respond(state, [](const Request&) { return text(std::string(64, 'x')); });
}
BENCHMARK(owned)->Name("response/owned_64");

void with_headers(benchmark::State& state) {
  respond(state, [](const Request&) {
    Response response = fixed("Hello, World!");
    for (int i = 0; i < 4; ++i) response.header("X-Header", "a value of its own");
    return response;
  });
}
BENCHMARK(with_headers)->Name("response/four_headers");

void sized_source(benchmark::State& state) {
  respond(state,
          [](const Request&) { return Response(200, plain_text, std::make_unique<Zeros>(1024, true)); });
}
BENCHMARK(sized_source)->Name("response/source_1k_sized");

void chunked_source(benchmark::State& state) {
  respond(state,
          [](const Request&) { return Response(200, plain_text, std::make_unique<Zeros>(1024, false)); });
}
BENCHMARK(chunked_source)->Name("response/source_1k_chunked");

}  // namespace
}  // namespace corelab::micro
