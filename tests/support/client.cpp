#include "tests/support/client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace corelab::test {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress parse_address(const std::string& text) {
  SocketAddress address;
  if (text.starts_with("unix:")) {
    auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
    un->sun_family = AF_UNIX;
    std::strncpy(un->sun_path, text.c_str() + 5, sizeof un->sun_path - 1);
    address.size = sizeof *un;
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::invalid_argument("not an address: " + text);
  const auto port = static_cast<in_port_t>(std::stoi(text.substr(colon + 1)));
  if (text.front() == '[') {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    if (inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &in6->sin6_addr) != 1)
      throw std::invalid_argument("not an address: " + text);
    address.size = sizeof *in6;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &in->sin_addr) != 1)
      throw std::invalid_argument("not an address: " + text);
    address.size = sizeof *in;
  }
  return address;
}

}  // namespace

const char* name_of(Ended ended) {
  switch (ended) {
    case Ended::answered:
      return "answered";
    case Ended::closed:
      return "closed before the first byte";
    case Ended::cut_short:
      return "closed in the middle of a response";
    case Ended::reset:
      return "reset";
    case Ended::timed_out:
      return "timed out";
    case Ended::malformed:
      return "malformed";
  }
  return "?";
}

Client::Client(const std::string& address) {
  int error = 0;
  auto connected = connect(address, kPatience, error);
  if (!connected) throw std::system_error(error, std::generic_category(), "connect to " + address);
  *this = std::move(*connected);
}

std::optional<Client> Client::connect(const std::string& address, Millis within, int& error) {
  const SocketAddress target = parse_address(address);
  const Deadline deadline = deadline_in(within);
  const int family = target.storage.ss_family;
  Client client(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  error = errno;
  if (client.fd_ < 0) return std::nullopt;
  const int one = 1;
  if (family != AF_UNIX) ::setsockopt(client.fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const auto* where = reinterpret_cast<const sockaddr*>(&target.storage);
  while (::connect(client.fd_, where, target.size) != 0) {
    error = errno;
    if (error == EAGAIN && family == AF_UNIX && Clock::now() < deadline) {  // its backlog is full
      std::this_thread::sleep_for(Millis(1));
      continue;
    }
    if (error != EINPROGRESS) return std::nullopt;
    pollfd ready{client.fd_, POLLOUT, 0};
    if (::poll(&ready, 1, millis_left(deadline)) != 1) {
      error = ETIMEDOUT;
      return std::nullopt;
    }
    socklen_t size = sizeof error;
    ::getsockopt(client.fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return std::nullopt;
    break;
  }
  error = 0;
  return client;
}

Client::~Client() { close(); }

Client::Client(Client&& other) noexcept { *this = std::move(other); }

Client& Client::operator=(Client&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  was_reset_ = other.was_reset_;
  at_end_ = other.at_end_;
  received_ = std::move(other.received_);
  return *this;
}

Client::Receive Client::receive() {
  if (was_reset_) return Receive::reset;
  if (at_end_) return Receive::end;
  char buffer[64 * 1024];
  const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
  if (count > 0) {
    received_.append(buffer, static_cast<size_t>(count));
    return Receive::data;
  }
  if (count == 0) {
    at_end_ = true;
    return Receive::end;
  }
  if (errno == EAGAIN || errno == EINTR) return Receive::none;
  was_reset_ = true;
  return Receive::reset;
}

Client::Receive Client::receive_by(Deadline deadline) {
  for (;;) {
    const Receive got = receive();
    if (got != Receive::none) return got;
    pollfd readable{fd_, POLLIN, 0};
    if (Clock::now() >= deadline || ::poll(&readable, 1, millis_left(deadline)) == 0) return Receive::none;
  }
}

bool Client::send(std::string_view bytes, Millis within) {
  const Deadline deadline = deadline_in(within);
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (errno == ECONNRESET) was_reset_ = true;
    if (errno != EAGAIN && errno != EINTR) return false;
    // Receiving meanwhile, or two full buffers would wait for each other.
    const short interest = at_end_ ? POLLOUT : POLLOUT | POLLIN;
    pollfd ready{fd_, interest, 0};
    if (::poll(&ready, 1, millis_left(deadline)) != 1) return false;
    if (ready.revents & POLLIN) receive();
  }
  return true;
}

bool Client::send_bytewise(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (!send(bytes.substr(at, 1))) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(30));
  }
  return true;
}

Reply Client::read_response(bool to_head, Millis within) {
  const Deadline deadline = deadline_in(within);
  Reply reply;
  for (;;) {
    ParsedResponse parsed = parse_response(received_, to_head, at_end_);
    if (parsed.state == ParseState::complete) {
      received_.erase(0, parsed.response.raw.size());
      reply.ended = Ended::answered;
      reply.response = std::move(parsed.response);
      return reply;
    }
    if (parsed.state == ParseState::malformed) {
      reply.ended = Ended::malformed;
      reply.detail = parsed.problem + " in: " + received_.substr(0, 400);
      return reply;
    }
    switch (receive_by(deadline)) {
      case Receive::data:
        continue;
      case Receive::end:
        // Once more with at_end: the end of the connection is what ends a body without a length.
        if (parse_response(received_, to_head, true).state == ParseState::complete) continue;
        reply.ended = received_.empty() ? Ended::closed : Ended::cut_short;
        break;
      case Receive::reset:
        reply.ended = Ended::reset;
        break;
      case Receive::none:
        reply.ended = Ended::timed_out;
        break;
    }
    reply.detail =
        std::string(name_of(reply.ended)) + " after " + std::to_string(received_.size()) + " bytes";
    return reply;
  }
}

Reply Client::ask(std::string_view request, Millis within) {
  send(request, within);
  return read_response(request.starts_with("HEAD "), within);
}

Rest Client::read_rest(Millis within) {
  const Deadline deadline = deadline_in(within);
  for (;;) {
    const Receive got = receive_by(deadline);
    if (got == Receive::data) continue;
    const Ended ended = got == Receive::end     ? Ended::closed
                        : got == Receive::reset ? Ended::reset
                                                : Ended::timed_out;
    return {std::exchange(received_, {}), ended};
  }
}

bool Client::await_bytes(size_t count, Millis within) {
  const Deadline deadline = deadline_in(within);
  while (received_.size() < count)
    if (receive_by(deadline) != Receive::data) return false;
  return true;
}

bool Client::stays_silent(Millis time) {
  return received_.empty() && receive_by(Clock::now() + time) == Receive::none;
}

void Client::half_close() { ::shutdown(fd_, SHUT_WR); }

void Client::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Client::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Client::shrink_receive_buffer(int bytes) {
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

std::string get_request(std::string_view target, std::string_view headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n";
}

std::string post_request(std::string_view target, std::string_view body, std::string_view headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

Reply get(const std::string& address, std::string_view target, Millis within) {
  int error = 0;
  auto client = Client::connect(address, within, error);
  if (!client) {
    Reply reply;
    reply.detail = "no connection: " + std::generic_category().message(error);
    return reply;
  }
  return client->ask(get_request(target, "Connection: close\r\n"), within);
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&any), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!bound) throw std::system_error(error, std::generic_category(), "find a free port");
  return ntohs(any.sin_port);
}

}  // namespace corelab::test
