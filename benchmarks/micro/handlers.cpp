// Calling a handler: a function, and coroutines that never have to suspend.

#include "benchmarks/micro/row.hpp"
#include "common/app/app.hpp"

namespace corelab::micro {
namespace {

class NeverWaits final : public Waiter {
 private:
  bool start(Operation& operation) override {
    operation.result = Waited::done;
    return false;
  }
};

void call(benchmark::State& state, const Handler& handler) {
  Request request;
  NeverWaits waiter;
  AllocationCount count;
  for (auto _ : state) {
    if (handler.plain) {
      benchmark::DoNotOptimize(handler.plain(request));
    } else {
      Task<Response> task = handler.coroutine(request, waiter);
      task.start();
      benchmark::DoNotOptimize(task.result());
    }
  }
  count.report(state);
}

void plain(benchmark::State& state) {
  call(state, [](const Request&) { return fixed("Hello, World!"); });
}
BENCHMARK(plain)->Name("handler/plain");

void coroutine(benchmark::State& state) {
  call(state, [](const Request&, Waiter&) -> Task<Response> { co_return fixed("Hello, World!"); });
}
BENCHMARK(coroutine)->Name("handler/coroutine");

void that_waits(benchmark::State& state) {
  call(state, [](const Request&, Waiter& wait) -> Task<Response> {
    co_await wait.sleep(std::chrono::milliseconds(1));
    co_return fixed("Hello, World!");
  });
}
BENCHMARK(that_waits)->Name("handler/coroutine_that_waits");

Task<Response> inner(const Request&, Waiter&) { co_return fixed("Hello, World!"); }

void nested(benchmark::State& state) {
  call(state, [](const Request& request, Waiter& wait) -> Task<Response> {
    co_return co_await inner(request, wait);
  });
}
BENCHMARK(nested)->Name("handler/coroutine_nested");

}  // namespace
}  // namespace corelab::micro
