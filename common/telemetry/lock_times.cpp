#include "common/telemetry/lock_times.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace corelab {

LockTimesBoard::LockTimesBoard(std::size_t workers) : workers_(workers) {
  void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "cannot map the lock's times");
  rows_ = static_cast<LockTimes*>(memory);  // all zeros, which is what a new row is
}

LockTimesBoard::~LockTimesBoard() { munmap(rows_, bytes()); }

}  // namespace corelab
