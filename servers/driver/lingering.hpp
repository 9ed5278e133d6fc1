// How a connection is seen out whose client may still be sending: our half is closed, what still comes is read and
// dropped, so that the answer in flight is not lost to a reset (RFC 9112 section 9.6).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace corelab::lingering {

/// How long a client may go on sending what nobody wants before it is reset.
inline constexpr auto time = std::chrono::seconds(1);

inline void begin(int fd) { shutdown(fd, SHUT_WR); }

/// Drops what has come. False if the client is through.
inline bool discard_input(int fd) {
  std::array<char, 4096> unwanted;
  ssize_t n = recv(fd, unwanted.data(), unwanted.size(), MSG_DONTWAIT);
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace corelab::lingering
