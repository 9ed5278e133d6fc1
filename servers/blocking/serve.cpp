#include "servers/blocking/serve.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "servers/blocking/blocking_waiter.hpp"
#include "servers/driver/poll.hpp"

namespace corelab {

namespace {

using Needs = Connection::Needs;
using Received = Connection::Received;

// An idle connection has no session, and its buffer with it: the first bytes land on the stack.
Received receive_first_bytes(Connection& connection, BlockedConnection& blocked) {
  std::array<char, 2048> bytes;
  blocked.enter_idle(connection.spared_until());
  ssize_t n = recv(connection.fd(), bytes.data(), bytes.size(), 0);
  int error = errno;
  if (blocked.leave_idle()) connection.linger();
  if (n < 0 && error == EINTR) interrupted();
  if (n >= 0) return connection.received({bytes.data(), static_cast<std::size_t>(n)});
  return error == EAGAIN || error == EINTR ? Received::nothing : Received::broken;
}

// Blocks until something has come, or the deadline has passed. Where idleness has just begun, the socket's own time-out ends it
// early enough.
Needs receive(Connection& connection, BlockedConnection& blocked, BlockingWaiter& waiter) {
  bool is_new = connection.is_idle() && connection.begins_idleness();
  Received got = is_new ? receive_first_bytes(connection, blocked) : Received::nothing;
  while (got == Received::nothing) {
    if (connection.is_idle()) blocked.enter_idle(connection.spared_until());
    bool in_time = wait_for(connection.fd(), POLLIN, connection.deadline());
    if (blocked.leave_idle()) connection.linger();
    if (!in_time) {
      Needs needs = connection.deadline_passed();
      return needs == Needs::close ? needs : connection.advance(waiter);
    }
    got = connection.receive();
  }
  return got == Received::broken ? Needs::close : connection.advance(waiter);
}

Needs send(Connection& connection, BlockingWaiter& waiter) {
  if (!wait_for(connection.fd(), POLLOUT, connection.deadline())) return connection.deadline_passed();
  return connection.advance(waiter);
}

}  // namespace

void serve_blocking(Connection& connection, BlockedConnections& all) {
  BlockedConnection blocked(all, connection.fd());
  BlockingWaiter waiter(connection);
  Needs needs = Needs::readable;
  while (needs != Needs::close) {
    needs = needs == Needs::readable ? receive(connection, blocked, waiter) : send(connection, waiter);
  }
}

void set_receive_timeout(int fd, const Settings& settings) {
  auto shortest = std::min(settings.keep_alive, settings.head_timeout);
  // 0 would mean for ever; a keep-alive of 0 has no idle connections.
  auto us = std::max<std::int64_t>(shortest / std::chrono::microseconds(1), 1000);
  timeval time{us / 1'000'000, us % 1'000'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

}  // namespace corelab
