#include "servers/driver/poll.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace corelab {

void (*attend_interruption)() = nullptr;

void interrupted() {
  if (attend_interruption != nullptr && getpid() == gettid()) attend_interruption();
}

int poll_until(std::span<pollfd> fds, Deadline deadline) {
  for (;;) {
    timespec left{};
    if (deadline != no_deadline) {
      auto ns = std::max<std::int64_t>((deadline - Clock::now()) / std::chrono::nanoseconds(1), 0);
      left = {ns / 1'000'000'000, ns % 1'000'000'000};
    }
    int ready = ppoll(fds.data(), fds.size(), deadline == no_deadline ? nullptr : &left, nullptr);
    if (ready >= 0 || errno != EINTR) return ready;
    interrupted();
  }
}

bool wait_for(int fd, short events, Deadline deadline) {
  pollfd one{fd, events, 0};
  return poll_until({&one, 1}, deadline) != 0;
}

}  // namespace corelab
