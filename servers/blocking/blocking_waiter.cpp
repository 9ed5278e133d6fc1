#include "servers/blocking/blocking_waiter.hpp"

#include <algorithm>
#include <array>

namespace corelab {

bool BlockingWaiter::start(Operation& operation) {
  Deadline write_deadline = Clock::now() + connection_.settings().write_timeout;
  for (;;) {
    Connection::Sent sent = connection_.flush();
    if (sent == Connection::Sent::all) break;
    if (sent == Connection::Sent::some && wait_for(connection_.fd(), POLLOUT, write_deadline)) continue;
    connection_.handler_failed(Waited::cancelled);
    break;
  }
  operation.result = connection_.handler_outcome();
  if (operation.result != Waited::done) return false;
  Clock::time_point start = Clock::now();
  operation.result = wait(operation);
  if (Trace* trace = connection_.trace()) trace->slice("waiting", start, Clock::now(), connection_.id());
  return false;
}

Waited BlockingWaiter::wait(Operation& operation) {
  Deadline due = std::min(operation.deadline, connection_.request_deadline());
  Waited at_due = Waited::expired;
  int ready = 0;
  // The client, for what poll always reports: a reset, or that the connection was cut.
  std::array<pollfd, 2> fds = {{{connection_.fd(), 0, 0}, {operation.fd, 0, 0}}};
  switch (operation.kind) {
    case Operation::Kind::sleep: {
      Deadline end = Clock::now() + operation.duration;
      if (end <= due) {
        due = end;
        at_due = Waited::done;
      }
      ready = poll_until({fds.data(), 1}, due);
      break;
    }
    case Operation::Kind::ready:
      fds[1].events = operation.readiness == Readiness::read ? POLLIN : POLLOUT;
      ready = poll_until(fds, due);
      if (fds[1].revents != 0) return Waited::done;
      break;
    case Operation::Kind::offload:
      operation.call(operation.callable);
      if (Clock::now() < due) return Waited::done;
      break;
  }
  if (ready != 0) {
    connection_.handler_failed(Waited::cancelled);
    return Waited::cancelled;
  }
  if (at_due == Waited::expired && due == connection_.request_deadline()) connection_.handler_failed(Waited::expired);
  return at_due;
}

}  // namespace corelab
