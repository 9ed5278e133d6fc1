// Listening sockets that whoever started the program has opened for it: socket activation (sd_listen_fds(3)), and a program
// that is replaced by its successor.
#pragma once

#include <string>
#include <vector>

#include "common/net/address.hpp"
#include "common/net/fd.hpp"

namespace corelab {

struct HandedSocket {
  Fd fd;  ///< listens, does not block, close-on-exec
  Address address;
};

struct HandedSockets {
  std::vector<HandedSocket> sockets;
  pid_t predecessor = 0;  ///< who hands them over and ends when this program serves; 0: a supervisor such as systemd

  /// Those of LISTEN_FDS, if LISTEN_PID is this process; the variables are taken out of the environment. Before any fork or
  /// thread. Throws std::runtime_error, with a sentence, if one is no listening stream socket.
  static HandedSockets take();

  /// Of whom they come from decides: a supervisor's take the place of `wanted`; a predecessor's are only those that are wanted
  /// now as well.
  std::vector<Address> instead_of(std::vector<Address> wanted, const std::vector<Address>& besides) const;
  /// Those that listen on `address`, several if it has several queues; a port of 0 is any. They are the caller's from now on.
  std::vector<Fd> listening_on(const Address& address);
};

/// The variable by which a successor knows its predecessor.
inline constexpr const char* predecessor_variable = "CORELAB_PREDECESSOR";

}  // namespace corelab
