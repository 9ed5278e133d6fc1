#include "common/net/handed_sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace corelab {

namespace {

constexpr int first_handed = 3;  // SD_LISTEN_FDS_START

std::string taken(const char* variable) {
  const char* value = std::getenv(variable);
  std::string text = value != nullptr ? value : "";
  unsetenv(variable);
  return text;
}

long number(const std::string& text) { return std::strtol(text.c_str(), nullptr, 10); }

int option(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

HandedSocket checked(int fd) {
  if (option(fd, SO_ACCEPTCONN) != 1 || option(fd, SO_TYPE) != SOCK_STREAM) {
    throw std::runtime_error("descriptor " + std::to_string(fd) + ", which LISTEN_FDS promises, is no listening stream socket");
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return {Fd(fd), Address::of_socket(fd)};
}

}  // namespace

HandedSockets HandedSockets::take() {
  HandedSockets handed;
  long count = number(taken("LISTEN_FDS")), pid = number(taken("LISTEN_PID"));
  taken("LISTEN_FDNAMES");
  long predecessor = number(taken(predecessor_variable));
  if (pid != getpid()) return handed;
  for (int fd = first_handed; fd < first_handed + count; ++fd) {
    handed.sockets.push_back(checked(fd));
  }
  if (predecessor == getppid()) handed.predecessor = getppid();
  return handed;
}

std::vector<Address> HandedSockets::instead_of(std::vector<Address> wanted, const std::vector<Address>& besides) const {
  if (sockets.empty() || predecessor != 0) return wanted;
  std::vector<Address> addresses;
  auto is_in = [](const std::vector<Address>& list, const Address& one) {
    return std::any_of(list.begin(), list.end(), [&one](const Address& other) { return other.to_string() == one.to_string(); });
  };
  for (const HandedSocket& socket : sockets) {
    if (!is_in(addresses, socket.address) && !is_in(besides, socket.address)) addresses.push_back(socket.address);
  }
  return addresses;
}

std::vector<Fd> HandedSockets::listening_on(const Address& address) {
  std::vector<Fd> found;
  std::string text;
  for (HandedSocket& socket : sockets) {
    if (!socket.fd) continue;
    Address wanted = address;
    if (!wanted.is_unix() && wanted.port() == 0) wanted.set_port(socket.address.port());
    if (socket.address.to_string() != wanted.to_string() || (!text.empty() && text != wanted.to_string())) continue;
    text = wanted.to_string();
    found.push_back(std::move(socket.fd));
  }
  return found;
}

}  // namespace corelab
