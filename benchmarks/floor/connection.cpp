#include "benchmarks/floor/connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace corelab::floor {

Connection::~Connection() { close(fd_); }

Wants Connection::step(const Canned& canned, std::span<char> buffer) {
  if (owed_.empty()) {
    const ssize_t received = recv(fd_, buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EAGAIN) return Wants::read;
    if (received <= 0) return Wants::close;
    owed_ = canned.answers(counter_.count({buffer.data(), static_cast<std::size_t>(received)}));
    if (owed_.empty()) return Wants::read;
  }
  const ssize_t sent = send(fd_, owed_.data(), owed_.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? Wants::write : Wants::close;
  owed_.remove_prefix(static_cast<std::size_t>(sent));
  if (!owed_.empty()) return Wants::write;
  return canned.closes() ? Wants::close : Wants::read;
}

}  // namespace corelab::floor
