// Handing a connection from one thread to another and back, both of which sleep in between. The CPU time is
// that of both threads and of the kernel that wakes them.

#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

#include "benchmarks/micro/row.hpp"
#include "common/net/fd.hpp"
#include "servers/thread_pool/work_queue.hpp"

namespace corelab::micro {
namespace {

void work_queue(benchmark::State& state) {
  using Queue = WorkQueue<Fd>;  // a connection, as a pool's reception hands it over
  auto ignore = [](Queue::State) {};
  Queue there(ignore), back(ignore);
  std::thread other([&] {
    while (std::optional<Fd> connection = there.pop()) back.push(std::move(*connection));
  });
  for (auto _ : state) {
    there.push(Fd());
    benchmark::DoNotOptimize(back.pop());
  }
  there.close();
  other.join();
}
BENCHMARK(work_queue)->Name("handoff/work_queue_round_trip")->MeasureProcessCPUTime()->UseRealTime();

// Eight bytes through descriptors, as an eventfd wants them. What ends the other thread is a word too,
// because an eventfd has no end of stream.
constexpr std::uint64_t usual = 1, last = 2;

void round_trips(benchmark::State& state, int to_there, int from_here, int to_here, int from_there) {
  std::thread other([=] {
    std::uint64_t word = 0;
    while (read(from_here, &word, sizeof word) == sizeof word && word != last) {
      if (write(to_here, &usual, sizeof usual) != sizeof usual) return;
    }
  });
  std::uint64_t word = usual;
  for (auto _ : state) {
    if (write(to_there, &word, sizeof word) != sizeof word ||
        read(from_there, &word, sizeof word) != sizeof word) {
      state.SkipWithError("the descriptors failed");
    }
  }
  if (write(to_there, &last, sizeof last) != sizeof last)
    state.SkipWithError("the other thread was not ended");
  other.join();
}

void through_eventfd(benchmark::State& state) {
  Fd there(eventfd(0, EFD_CLOEXEC)), back(eventfd(0, EFD_CLOEXEC));
  round_trips(state, there.get(), there.get(), back.get(), back.get());
}
BENCHMARK(through_eventfd)->Name("handoff/eventfd_round_trip")->MeasureProcessCPUTime()->UseRealTime();

void through_pipe(benchmark::State& state) {
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) return state.SkipWithError("no pipes");
  Fd ends[] = {Fd(there[0]), Fd(there[1]), Fd(back[0]), Fd(back[1])};
  round_trips(state, ends[1].get(), ends[0].get(), ends[3].get(), ends[2].get());
}
BENCHMARK(through_pipe)->Name("handoff/pipe_round_trip")->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace corelab::micro
