#include "benchmarks/floor/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "benchmarks/floor/give_up.hpp"

namespace corelab::floor {
namespace {

void enable(int fd, int level, int option, int value = 1) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) give_up("cannot set a socket option");
}

std::string to_text(const Address& address) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  getnameinfo(reinterpret_cast<const sockaddr*>(&address.storage), address.length, host, sizeof host, port,
              sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const bool v6 = address.storage.ss_family == AF_INET6;
  return (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

}  // namespace

Address parse_address(std::string_view text) {
  const auto invalid = [&] {
    return std::invalid_argument("cannot read the address '" + std::string(text) +
                                 "': give a numeric HOST:PORT such as 127.0.0.1:8000 or [::1]:8000");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) throw invalid();
  std::string host(text.substr(0, colon));
  const std::string port(text.substr(colon + 1));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // The resolver would take a port of 65536 and more modulo 65536.
  const bool digits = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
  if (host.empty() || !digits || std::stoi(port) > 65535) throw invalid();

  addrinfo hints{};
  hints.ai_family = bracketed ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) throw invalid();
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  return address;
}

Listener::Listener(const Address& address, int backlog, bool nonblocking)
    : accept_flags_(SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0)) {
  fd_ = socket(address.storage.ss_family, SOCK_STREAM | accept_flags_, 0);
  if (fd_ < 0) give_up("cannot open a socket");
  enable(fd_, SOL_SOCKET, SO_REUSEADDR);
  enable(fd_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 128 * 1024);
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
      listen(fd_, backlog) != 0) {
    give_up("cannot listen on " + to_text(address),
            "give another address with --bind (port 0 takes a free one)");
  }
}

std::string Listener::address() const {
  Address bound;
  bound.length = sizeof bound.storage;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&bound.storage), &bound.length) != 0) {
    give_up("cannot read the address in effect");
  }
  return to_text(bound);
}

int Listener::accept() const {
  while (true) {
    const int fd = accept4(fd_, nullptr, nullptr, accept_flags_);
    if (fd >= 0) {
      enable(fd, IPPROTO_TCP, TCP_NODELAY);
      return fd;
    }
    if (errno == EAGAIN) return -1;
    // Left before it was accepted, or a signal: the next one may be fine.
    if (errno != ECONNABORTED && errno != EPROTO && errno != EINTR) {
      give_up("cannot accept", "use fewer connections, or raise the limit (ulimit -Hn)");
    }
  }
}

}  // namespace corelab::floor
