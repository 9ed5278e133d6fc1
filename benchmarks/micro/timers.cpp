// The timer queue of a loop with ten thousand connections, each with a deadline.

#include "servers/driver/timer_queue.hpp"

#include <memory>
#include <random>

#include "benchmarks/micro/row.hpp"

namespace corelab::micro {
namespace {

struct Idle final : Timer {
  void on_time() override {}
};

struct Population {
  static constexpr std::size_t size = 10'000;
  TimerQueue queue;
  std::vector<std::unique_ptr<Idle>> timers;
  std::mt19937 random{1};

  Population() {
    for (std::size_t i = 0; i < size; ++i) {
      timers.push_back(std::make_unique<Idle>());
      queue.set(*timers.back(), some_time());
    }
  }
  Deadline some_time() { return Deadline(std::chrono::microseconds(random() % 15'000'000)); }
  Idle& some_timer() { return *timers[random() % size]; }
};

void move(benchmark::State& state) {
  Population population;
  for (auto _ : state) population.queue.set(population.some_timer(), population.some_time());
}
BENCHMARK(move)->Name("timers/move_among_10000");

void set_and_clear(benchmark::State& state) {
  Population population;
  Idle timer;
  for (auto _ : state) {
    population.queue.set(timer, population.some_time());
    population.queue.clear(timer);
  }
}
BENCHMARK(set_and_clear)->Name("timers/set_and_clear_among_10000");

// What keep-alive does: the deadline that was the nearest becomes the farthest.
void postpone(benchmark::State& state) {
  Population population;
  std::size_t next = 0;
  auto now = std::chrono::microseconds(15'000'000);
  for (auto _ : state) {
    now += std::chrono::microseconds(1);
    population.queue.set(*population.timers[next], Deadline(now));
    next = (next + 1) % Population::size;
  }
}
BENCHMARK(postpone)->Name("timers/postpone_among_10000");

}  // namespace
}  // namespace corelab::micro
