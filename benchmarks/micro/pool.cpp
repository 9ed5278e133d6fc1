// Leasing a session to a connection that becomes busy.

#include "benchmarks/micro/row.hpp"
#include "servers/driver/session_pool.hpp"

namespace corelab::micro {
namespace {

void take_and_give(benchmark::State& state) {
  SessionPool pool{SessionPool::Use::shared};
  pool.give(pool.take());
  AllocationCount count;
  for (auto _ : state) pool.give(pool.take());
  count.report(state);
}
BENCHMARK(take_and_give)->Name("session_pool/take_and_give");

void take_begin_and_give(benchmark::State& state) {
  Limits limits;
  SessionPool pool{SessionPool::Use::shared};
  std::unique_ptr<Session> first = pool.take();
  first->begin({.limits = limits});
  pool.give(std::move(first));
  AllocationCount count;
  for (auto _ : state) {
    std::unique_ptr<Session> session = pool.take();
    session->begin({.limits = limits});
    pool.give(std::move(session));
  }
  count.report(state);
}
BENCHMARK(take_begin_and_give)->Name("session_pool/take_begin_and_give");

void construct(benchmark::State& state) {
  Limits limits;
  AllocationCount count;
  for (auto _ : state) {
    Session session;
    session.begin({.limits = limits});
    benchmark::DoNotOptimize(&session);
  }
  count.report(state);
}
BENCHMARK(construct)->Name("session_pool/without_a_pool");

}  // namespace
}  // namespace corelab::micro
