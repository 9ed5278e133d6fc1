// Where to listen, as --bind says it: "127.0.0.1:8000", "[::1]:8000", "localhost:8000" or "unix:/run/app.sock".
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "common/http/message.hpp"

namespace corelab {

class Address {
 public:
  /// Throws std::invalid_argument, with a sentence, if `text` is no address or its host is unknown.
  static Address parse(std::string_view text);
  /// The address that a bound socket really has; says which port the kernel chose for port 0.
  static Address of_socket(int fd);
  static Peer peer(const sockaddr_storage& from);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return storage_.ss_family == AF_UNIX; }
  std::string unix_path() const;  ///< empty if it is not a UNIX domain socket
  int port() const;               ///< 0 for a UNIX domain socket
  void set_port(int port);

  std::string to_string() const;  ///< what parse() takes

  /// Is the host in HOST:PORT an address, and no name?
  static bool is_numeric(std::string_view text);
  /// Would a connection to `other` come to a socket that listens here? (As far as loopback and wildcards tell.)
  bool reaches(const Address& other) const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace corelab
