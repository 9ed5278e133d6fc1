// One connection of the generator: connects, sends a request, reads its answer, and says what became of it.
#pragma once

#include <utility>  // Asio 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/load/answer_reader.hpp"
#include "benchmarks/load/options.hpp"
#include "benchmarks/load/tally.hpp"
#include "benchmarks/load/time.hpp"

namespace corelab::load {

/// A request on its way.
struct Request {
  Ns due = 0;
  std::size_t class_index = 0;
  Ns sent = never;  ///< when its connection began with it
};

struct Answer {
  int status = 0;
  std::size_t bytes = 0;  ///< head included
  Ns at = 0;
};

class Connection;

/// What a connection reports to; on the generator's one thread, never from within a call to the connection's methods
/// other than send(), open() and abandon().
class ConnectionOwner {
 public:
  virtual void on_idle(Connection& connection) = 0;  ///< nothing is under way: send() may follow
  virtual void on_answer(Connection& connection, const Request& request, const Answer& answer) = 0;
  virtual void on_loss(Connection& connection, const Request& request, Loss why, Ns at) = 0;
  /// A reused connection was closed before a byte of the answer (RFC 9112 section 9.3.1): to be sent again.
  virtual void on_retry(const Request& request) = 0;
  virtual void on_connect_failed(Connection& connection, const std::string& why) = 0;

 protected:
  ~ConnectionOwner() = default;
};

/// One thread. What the peer closes is opened again by the next request, as a client would, and not before: a connection
/// that nobody needs would only be in a server's way.
class Connection {
 public:
  Connection(boost::asio::io_context& context, boost::asio::ip::tcp::endpoint peer, const Options& options,
             ConnectionOwner& owner);

  /// Connects, then on_idle().
  void open();
  /// Sends `bytes`, which stay valid until the end of the run, for `request`, on a new connection if this one is closed;
  /// only after on_idle().
  void send(const Request& request, std::string_view bytes);
  /// Gives up: the request is lost for `why`, and the connection is closed. With `goes_on`, on_idle() follows.
  void abandon(Loss why, bool goes_on);
  /// No on_idle() from now on.
  void retire() { goes_on_ = false; }

  bool is_open() const { return state_ == State::idle || state_ == State::busy; }
  bool is_busy() const { return request_.has_value(); }
  const Request& request() const { return *request_; }
  std::uint64_t asked() const { return asked_; }
  std::uint64_t answers() const { return answers_; }
  bool asked_for(std::size_t class_index) const { return (asked_classes_ >> class_index & 1) != 0; }
  std::uint64_t connects() const { return connects_; }

 private:
  enum class State { closed, connecting, idle, busy };
  using Error = boost::system::error_code;

  void connected(const Error& error);
  void watch_readable();
  void readable();
  void receive(std::size_t most);
  void write();
  void slow_write();
  void slow_read();
  void answered(Ns at);
  void lost(Loss why);
  void peer_closed(bool was_reset);
  void close();
  void become_idle();

  boost::asio::io_context& context_;
  const boost::asio::ip::tcp::endpoint peer_;
  const Options& options_;
  ConnectionOwner& owner_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  State state_ = State::closed;
  std::uint64_t life_ = 0;  // counts closings: what Asio still delivers of an earlier one is ignored
  bool goes_on_ = true;
  std::optional<Request> request_;
  std::string_view unsent_;
  AnswerReader reader_;
  std::uint64_t answers_in_life_ = 0;
  std::uint64_t asked_classes_ = 0;  // bit i: class i
  std::uint64_t asked_ = 0, answers_ = 0, connects_ = 0;
};

}  // namespace corelab::load
