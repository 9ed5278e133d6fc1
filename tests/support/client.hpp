#pragma once
// A raw HTTP client over one socket: it sends exactly the bytes it is given and tells apart every way in
// which a connection can end. One thread at a time may use a Client.

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/http_response.hpp"
#include "tests/support/patience.hpp"

namespace corelab::test {

// How waiting for a response, or for the end of a connection, came out.
enum class Ended {
  answered,   // a whole response
  closed,     // the peer closed (FIN) before the first byte
  cut_short,  // the peer closed in the middle of a response
  reset,      // the peer reset the connection (RST)
  timed_out,  // nothing of that happened in time
  malformed,  // bytes that are no HTTP response
};
const char* name_of(Ended ended);

struct Reply {
  Ended ended = Ended::timed_out;
  HttpResponse response;  // when answered
  std::string detail;     // otherwise: what was seen, for a failure message

  int status() const { return ended == Ended::answered ? response.status : 0; }
  const std::string& body() const { return response.body; }
};

// What was received of a connection after its last response, and how it ended.
struct Rest {
  std::string bytes;
  Ended ended = Ended::timed_out;  // closed, reset or timed_out
};

class Client {
 public:
  static constexpr Millis kPatience{10'000};

  // `address` as a server prints it: 127.0.0.1:8000, [::1]:8000 or unix:PATH. Throws std::system_error when
  // refused.
  explicit Client(const std::string& address);
  // As above, but nothing thrown: empty and `error` (an errno, ETIMEDOUT included) when there is no
  // connection.
  static std::optional<Client> connect(const std::string& address, Millis within, int& error);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  // Sends all of `bytes`, receiving meanwhile whatever arrives. False when the peer no longer takes any, or
  // in time.
  bool send(std::string_view bytes, Millis within = kPatience);
  // Sends one byte a system call, with a pause behind each, so that the peer sees (nearly) each byte alone.
  bool send_bytewise(std::string_view bytes);

  // The next response. `to_head` as in parse_response().
  Reply read_response(bool to_head = false, Millis within = kPatience);
  // send() and read_response() of one request.
  Reply ask(std::string_view request, Millis within = kPatience);
  // Everything until the connection ends.
  Rest read_rest(Millis within = kPatience);
  // Waits until at least `count` bytes have arrived, without consuming them. False when they do not in time.
  bool await_bytes(size_t count, Millis within = kPatience);
  // Bytes that have arrived and are not consumed yet.
  size_t received() const { return received_.size(); }
  // True when for the whole of `time` (not stretched) neither a byte nor an end arrives.
  bool stays_silent(Millis time);

  void half_close();                      // no more bytes from this side (FIN); answers are still read
  void reset();                           // RST at once
  void close();                           // an ordinary close
  void shrink_receive_buffer(int bytes);  // so that a peer that is not read from soon notices

 private:
  explicit Client(int socket) : fd_(socket) {}
  enum class Receive { data, end, reset, none };
  Receive receive();
  Receive receive_by(Deadline deadline);

  int fd_ = -1;
  bool was_reset_ = false;
  bool at_end_ = false;
  std::string received_;
};

// A request for `target` with a Host; `headers` are whole lines with their CRLF.
std::string get_request(std::string_view target, std::string_view headers = "");
std::string post_request(std::string_view target, std::string_view body, std::string_view headers = "");

// One request over a connection of its own.
Reply get(const std::string& address, std::string_view target, Millis within = Client::kPatience);

// A TCP port of 127.0.0.1 that nobody listened on a moment ago.
int free_port();

}  // namespace corelab::test
