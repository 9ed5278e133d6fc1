#include "benchmarks/floor/readiness.hpp"

#include <cerrno>
#include <iterator>

#include "benchmarks/floor/give_up.hpp"

namespace corelab::floor {

Readiness::Readiness(const Listener& listener, Handling handling)
    : listener_(listener),
      flags_(handling == Handling::elsewhere ? static_cast<std::uint32_t>(EPOLLONESHOT) : 0),
      fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) give_up("cannot open an epoll set");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, listener.fd(), &event) != 0) give_up("cannot watch the listener");
}

std::span<const epoll_event> Readiness::wait() {
  const int ready = epoll_wait(fd_, events_, std::size(events_), -1);
  if (ready >= 0) return {events_, static_cast<std::size_t>(ready)};
  if (errno != EINTR) give_up("cannot wait for events");
  return {};  // stopped and continued
}

void Readiness::accept_all() {
  for (int fd = listener_.accept(); fd >= 0; fd = listener_.accept()) {
    control(EPOLL_CTL_ADD, new Connection(fd), Wants::read);
  }
}

void Readiness::rearm(Connection* connection, Wants wants) const {
  control(EPOLL_CTL_MOD, connection, wants);
}

void Readiness::control(int operation, Connection* connection, Wants wants) const {
  epoll_event event{.events = (wants == Wants::write ? EPOLLOUT : EPOLLIN) | flags_,
                    .data = {.ptr = connection}};
  if (epoll_ctl(fd_, operation, connection->fd(), &event) != 0) give_up("cannot watch a connection");
}

}  // namespace corelab::floor
