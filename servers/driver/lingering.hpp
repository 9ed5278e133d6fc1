// Seeing out a connection that we end: our half is closed, what still comes is read and dropped until the client closes
// its half, so that an answer on its way is not lost to a reset (RFC 9112 section 9.6). A client may always be sending:
// the rest of a body that nobody wants, a pipelined request, an old client's CRLF behind its body.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "common/clock.hpp"

namespace corelab::lingering {

/// How long a client may go on sending, and how long it may be silent, before it is reset; how long all in all while the
/// server drains.
inline constexpr auto longest = std::chrono::seconds(30);
inline constexpr auto patience = std::chrono::seconds(5);
inline constexpr auto in_a_drain = std::chrono::seconds(1);

/// How long one client is waited for.
class Wait {
 public:
  void begin(Clock::time_point now) { since_ = heard_ = now; }
  void heard(Clock::time_point now) { heard_ = now; }
  Deadline until(bool drains) const {
    return drains ? since_ + in_a_drain : std::min(since_ + longest, heard_ + patience);
  }

 private:
  Clock::time_point since_{}, heard_{};
};

/// Closes our half.
inline void begin(int fd) { shutdown(fd, SHUT_WR); }

enum class Client { is_silent, sends, has_closed };

/// Drops what has come.
inline Client discard_input(int fd) {
  std::array<char, 16384> unwanted;
  ssize_t n = recv(fd, unwanted.data(), unwanted.size(), MSG_DONTWAIT);
  if (n > 0) return Client::sends;
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? Client::is_silent : Client::has_closed;
}

}  // namespace corelab::lingering
