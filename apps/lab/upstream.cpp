#include "apps/lab/upstream.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "common/net/fd.hpp"

namespace corelab {

namespace {

constexpr std::size_t largest_answer = 1 << 20;
constexpr std::size_t pooled = 64;  // connections a thread

std::vector<Fd>& pool() {
  thread_local std::vector<Fd> connections;
  return connections;
}

/// What has come of an answer. Enough of HTTP/1.1 for a server that sends Content-Length.
struct Answer {
  std::string bytes;
  std::size_t head = 0;    // 0: not complete
  std::size_t length = 0;  // of the body
  bool is_broken = false;

  bool complete() const { return head != 0 && bytes.size() >= head + length; }
  bool is_ok() const { return bytes.starts_with("HTTP/1.1 200 "); }
  bool keeps_alive() const { return bytes.substr(0, head).find("\r\nConnection: close") == std::string::npos; }

  void take(std::string_view piece) {
    bytes.append(piece);
    if (head != 0) return;
    std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) {
      is_broken = bytes.size() > largest_answer;
      return;
    }
    head = end + 4;
    constexpr std::string_view name = "\r\nContent-Length: ";
    std::size_t field = bytes.find(name);
    const char* digits = bytes.data() + field + name.size();
    is_broken = field >= end || std::from_chars(digits, bytes.data() + end, length).ec != std::errc() ||
                length > largest_answer;
  }
};

Fd connect_to(const Address& address) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd && connect(fd.get(), address.get(), address.length()) != 0 && errno != EINPROGRESS) fd.reset();
  return fd;
}

bool would_block(ssize_t result) { return result < 0 && (errno == EAGAIN || errno == ENOTCONN); }

/// Sends a request and reads its answer. False if the connection gave out before the answer began.
Task<bool> exchange(int fd, std::string_view request, Waiter& wait, Answer& answer) {
  while (!request.empty()) {
    ssize_t n = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (n > 0) {
      request.remove_prefix(static_cast<std::size_t>(n));
    } else if (!would_block(n) || co_await wait.ready(fd, Readiness::write) != Waited::done) {
      co_return false;
    }
  }
  std::array<char, 4096> piece;
  while (!answer.complete() && !answer.is_broken) {
    ssize_t n = recv(fd, piece.data(), piece.size(), 0);
    if (n > 0) {
      answer.take({piece.data(), static_cast<std::size_t>(n)});
    } else if (!would_block(n) || co_await wait.ready(fd, Readiness::read) != Waited::done) {
      answer.is_broken = !answer.bytes.empty();
      co_return !answer.bytes.empty();
    }
  }
  co_return true;
}

}  // namespace

Task<Response> Upstream::get(std::string target, Waiter& wait) const {
  const std::string host = address_.is_unix() ? "localhost" : address_.to_string();
  std::string request = "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  // A pooled connection may have been closed by the other side meanwhile: then once more, on a new one.
  for (bool is_pooled = !pool().empty();; is_pooled = false) {
    Fd fd;
    if (is_pooled) {
      fd = std::move(pool().back());
      pool().pop_back();
    } else {
      fd = connect_to(address_);
    }
    Answer answer;
    bool answered = fd && co_await exchange(fd.get(), request, wait, answer);
    if (!answered && is_pooled) continue;
    if (!answered || answer.is_broken || !answer.is_ok()) co_return text("the upstream failed\n", 502);
    if (answer.keeps_alive() && pool().size() < pooled) pool().push_back(std::move(fd));
    co_return Response(200, plain_text, answer.bytes.substr(answer.head, answer.length));
  }
}

}  // namespace corelab
