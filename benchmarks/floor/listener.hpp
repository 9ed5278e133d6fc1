// The sockets of the floor, with the options of the cores and none of their code.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace corelab::floor {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// Reads a numeric HOST:PORT, `127.0.0.1:8000` or `[::1]:8000`. Throws std::invalid_argument with one
/// sentence.
Address parse_address(std::string_view text);

/// A listening TCP socket, open until the process ends.
class Listener {
 public:
  /// Binds and listens. `backlog`: connections the accept queue holds, which the kernel caps at
  /// net.core.somaxconn. `nonblocking`: holds for the listener and for every socket it accepts. Gives up
  /// (give_up.hpp) when the address is taken or refused.
  Listener(const Address& address, int backlog, bool nonblocking);

  int fd() const { return fd_; }

  /// The address in effect, with the real port where 0 was asked for.
  std::string address() const;

  /// The next connection, with TCP_NODELAY; -1 when a non-blocking listener has none waiting. The caller
  /// closes it. Gives up when descriptors run out. Any thread.
  int accept() const;

 private:
  int fd_;
  int accept_flags_;
};

}  // namespace corelab::floor
