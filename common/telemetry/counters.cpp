#include "common/telemetry/counters.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace corelab {

CounterBoard::CounterBoard(std::size_t rows) : rows_(rows) {
  void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "cannot map the shared counters");
  shared_ = new (memory) Shared;
  for (std::size_t i = 1; i < rows; ++i) new (&shared_->rows[i]) WorkerCounters;
}

CounterBoard::~CounterBoard() { munmap(shared_, bytes()); }

std::optional<std::size_t> CounterBoard::claim(pid_t pid) {
  for (std::size_t i = 0; i < rows_; ++i) {
    if (row(i).pid == 0) {
      row(i).pid = pid;
      return i;
    }
  }
  return std::nullopt;
}

void CounterBoard::retire(std::size_t index) {
  WorkerCounters& gone = row(index);
  retired().accepted += gone.accepted.exchange(0);
  retired().requests += gone.requests.exchange(0);
  gone.open = gone.queue_depth = gone.loop_lag_us = gone.heartbeat_ms = gone.busy_since_ms = gone.accepting = 0;
  gone.is_leaving = false;
  gone.pid = 0;
}

}  // namespace corelab
