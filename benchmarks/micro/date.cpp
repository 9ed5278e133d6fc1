// The Date field: within a second, and in the moment it changes.

#include "common/http/date.hpp"

#include "benchmarks/micro/row.hpp"

namespace corelab::micro {
namespace {

void cached(benchmark::State& state) {
  DateCache cache;
  std::time_t now = 1'700'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(now);
    benchmark::DoNotOptimize(cache.at(now).data());
  }
}
BENCHMARK(cached)->Name("date/cached");

void next_second(benchmark::State& state) {
  DateCache cache;
  std::time_t now = 1'700'000'000;
  for (auto _ : state) benchmark::DoNotOptimize(cache.at(++now).data());
}
BENCHMARK(next_second)->Name("date/next_second");

}  // namespace
}  // namespace corelab::micro
