#include "common/net/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace corelab {

namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw std::invalid_argument("'" + std::string(text) + "' is no address: " + why +
                              " (use HOST:PORT, [IPV6]:PORT or unix:PATH)");
}

void parse_unix(std::string_view text, sockaddr_storage& storage, socklen_t& length) {
  auto& local = reinterpret_cast<sockaddr_un&>(storage);
  std::string_view path = text.substr(5);
  if (path.empty()) refuse(text, "the path is empty");
  if (path.size() >= sizeof local.sun_path) refuse(text, "the path is longer than 107 bytes");
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

}  // namespace

Address Address::parse(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    parse_unix(text, address.storage_, address.length_);
    return address;
  }
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "it has no port");
  std::string host(text.substr(0, colon));
  std::string_view port = text.substr(colon + 1);
  int number = -1;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number < 0 || number > 65535) {
    refuse(text, "the port is not a number from 0 to 65535");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    refuse(text, "an IPv6 address goes in brackets");
  }
  if (host.empty()) refuse(text, "it has no host");

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found); failure != 0) {
    refuse(text, gai_strerror(failure));
  }
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.length_ = found->ai_addrlen;
  freeaddrinfo(found);
  address.set_port(number);
  return address;
}

Address Address::of_socket(int fd) {
  Address address;
  address.length_ = sizeof address.storage_;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0) {
    throw std::system_error(errno, std::generic_category(), "getsockname");
  }
  return address;
}

Peer Address::peer(const sockaddr_storage& from) {
  Peer peer;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    peer.family = Peer::Family::ipv4;
    peer.port = ntohs(v4.sin_port);
    std::memcpy(peer.bytes, &v4.sin_addr, sizeof v4.sin_addr);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    peer.family = Peer::Family::ipv6;
    peer.port = ntohs(v6.sin6_port);
    std::memcpy(peer.bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
  } else if (from.ss_family == AF_UNIX) {
    peer.family = Peer::Family::local;
  }
  return peer;
}

std::string Address::unix_path() const {
  return is_unix() ? std::string(reinterpret_cast<const sockaddr_un&>(storage_).sun_path) : std::string();
}

int Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

void Address::set_port(int port) {
  auto number = htons(static_cast<std::uint16_t>(port));
  if (family() == AF_INET) reinterpret_cast<sockaddr_in&>(storage_).sin_port = number;
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = number;
}

bool Address::is_numeric(std::string_view text) {
  std::string host(text.substr(0, text.rfind(':')));
  if (host.size() >= 2 && host.front() == '[') return true;
  in_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

bool Address::reaches(const Address& other) const {
  if (is_unix() || other.is_unix()) return is_unix() && unix_path() == other.unix_path();
  if (port() != other.port() || port() == 0) return false;
  std::string here = peer(storage_).address(), there = peer(other.storage_).address();
  auto is_wildcard = [](const std::string& host) { return host == "0.0.0.0" || host == "::"; };
  return here == there || is_wildcard(here) || is_wildcard(there);
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + unix_path();
  std::string host = peer(storage_).address();
  if (family() == AF_INET6) host = "[" + host + "]";
  return host + ":" + std::to_string(port());
}

}  // namespace corelab
