// What every row does besides its own work.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

#include "benchmarks/micro/allocations.hpp"

namespace corelab::micro {

/// What wrk sends for http://127.0.0.1:8000/plaintext.
inline const std::string wrk_request = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

/// Counts what its thread allocates from here on, and gives it to the row as allocations per `each`.
class AllocationCount {
 public:
  void report(benchmark::State& state, double each_iteration = 1) const {
    double count = static_cast<double>(allocations() - before_);
    state.counters["allocations"] = count / (static_cast<double>(state.iterations()) * each_iteration);
  }

 private:
  std::uint64_t before_ = allocations();
};

}  // namespace corelab::micro
