// Finding the handler.

#include "common/app/router.hpp"

#include "benchmarks/micro/row.hpp"

namespace corelab::micro {
namespace {

void find(benchmark::State& state, std::string_view path) {
  Router router;
  for (const char* each : {"/plaintext", "/json", "/bytes", "/cpu", "/sleep", "/block", "/offload",
                           "/upstream", "/db", "/healthz", "/stats"}) {
    router.add(Method::get, each, [](const Request&) { return fixed("Hello, World!"); });
  }
  Request request;
  request.path = path;
  AllocationCount count;
  for (auto _ : state) benchmark::DoNotOptimize(&router.find(request));
  count.report(state);
}

void known(benchmark::State& state) { find(state, "/plaintext"); }
BENCHMARK(known)->Name("router/known");

void percent_encoded(benchmark::State& state) { find(state, "/%70laintext"); }
BENCHMARK(percent_encoded)->Name("router/percent_encoded");

void unknown(benchmark::State& state) { find(state, "/nosuch"); }
BENCHMARK(unknown)->Name("router/unknown");

}  // namespace
}  // namespace corelab::micro
