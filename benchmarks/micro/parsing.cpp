// What the session does to a head, step by step.

#include "benchmarks/micro/row.hpp"
#include "common/http/head_scanner.hpp"
#include "common/http/parser.hpp"
#include "common/http/rules.hpp"

namespace corelab::micro {
namespace {

void head_scanner(benchmark::State& state) {
  Limits limits;
  HeadScanner scanner;
  for (auto _ : state) {
    scanner.start(HeadScanner::What::head);
    benchmark::DoNotOptimize(scanner.scan(wrk_request, limits));
    if (!scanner.complete()) state.SkipWithError("the head was not found");
  }
}
BENCHMARK(head_scanner)->Name("parsing/head_scanner");

void parser(benchmark::State& state) {
  Parser parser;
  std::vector<Field> fields;
  fields.reserve(100);
  AllocationCount count;
  for (auto _ : state) {
    fields.clear();
    if (parser.parse_head(wrk_request, true, fields, 100).violation) state.SkipWithError("the head was refused");
  }
  count.report(state);
}
BENCHMARK(parser)->Name("parsing/parser");

void the_rules(benchmark::State& state) {
  std::string_view line = std::string_view(wrk_request).substr(0, wrk_request.find('\r'));
  const Field host{"Host", "127.0.0.1:8000"};
  Request request;
  request.fields = {&host, 1};
  for (auto _ : state) {
    rules::Framing framing;
    request.authority = {};
    bool refused = rules::read_request_line(line, request) || rules::read_fields(request, 1 << 20, framing);
    if (refused) state.SkipWithError("the request was refused");
  }
}
BENCHMARK(the_rules)->Name("parsing/rules");

}  // namespace
}  // namespace corelab::micro
