// A session and its driver without a socket: what a client sends goes in, what it would receive comes out.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "common/http/session.hpp"

namespace corelab::test {

/// How bytes pass between client and session; each number is the most that passes at once.
struct Cut {
  static constexpr std::size_t all = static_cast<std::size_t>(-1);
  std::size_t first = all;   ///< in the first piece the client sends
  std::size_t others = all;  ///< in every later piece
  std::size_t taken = all;   ///< in each write that the client takes
};
inline constexpr Cut whole{};
inline constexpr Cut bytewise{1, 1};

/// One connection, one thread. Does what a core's driver does, and throws std::logic_error when the session
/// breaks its promises: no room while it wants input, more gathered than its limits allow, work behind its
/// end.
class InMemoryConnection {
 public:
  using Answer = std::function<Response(const Request&)>;

  explicit InMemoryConnection(Answer answer, const Limits& limits = {});

  /// Sends what fits in pieces as `cut` says and runs until the session wants more or has closed.
  void send(std::string_view bytes, Cut cut = whole);
  /// The client sends no more.
  void half_close();
  /// A new connection on the same session, as a pool would make it.
  void begin_again(const Limits& limits = {});
  /// From now on every answer is its connection's last.
  void drain() { draining_ = true; }

  Session& session() { return session_; }
  const std::string& output() const { return output_; }
  bool closed() const { return closed_; }
  std::size_t requests() const { return requests_; }
  /// The most that waited to be sent when a write was asked for, in bytes.
  std::size_t most_gathered() const { return most_gathered_; }
  std::size_t writes() const { return writes_; }

 private:
  void run(std::size_t taken);

  Answer answer_;
  Limits limits_;
  Session session_;
  bool draining_ = false;
  std::string output_;
  bool closed_ = false;
  std::size_t requests_ = 0, most_gathered_ = 0, writes_ = 0;
};

}  // namespace corelab::test
