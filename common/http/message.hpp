// What a handler sees and gives: Request, Response, and the bodies of both. Knows no socket, thread or loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace corelab {

enum class Method : std::uint8_t {
  get, head, post, put, del, options, patch, trace, connect,
  other,    ///< one of another RFC, which the parser knows
  unknown,  ///< any other token: an app that takes every path may know it, others answer 501 (RFC 9110 section 9.1)
};

/// The method's name on the wire; empty for `other` and `unknown`, whose name is Request::method_name.
std::string_view to_string(Method method);

/// The reason phrase of RFC 9110 section 15; "Unknown" for a status it does not list.
std::string_view reason_phrase(int status);

struct Field {
  std::string_view name;   ///< as sent; compare with equals_ignoring_case
  std::string_view value;  ///< without surrounding blanks
};

bool equals_ignoring_case(std::string_view a, std::string_view b);

/// A request's body, at most Limits::body bytes, read from front to back. The reader's interface, and not the bytes,
/// is what handlers hold on to, so that bodies can be streamed one day without a change to them.
class BodyReader {
 public:
  BodyReader() = default;
  explicit BodyReader(std::string_view bytes, int file = -1) : rest_(bytes), size_(bytes.size()), file_(file) {}

  /// Copies up to into.size() bytes and says how many; 0 means the end.
  std::size_t read(std::span<char> into);

  /// All that has not been read yet, without a copy; valid as long as the request. Of one in a file it is mapped: it takes
  /// the memory that the system has to spare.
  std::string_view rest() { return std::exchange(rest_, {}); }

  /// Bytes in all, read or not.
  std::size_t size() const { return size_; }

  /// The file that it is in, if it is too large for memory (--body-buffer), at its beginning; else -1. Valid as long as the
  /// request; duplicate it to keep it.
  int file() const { return file_; }

 private:
  std::string_view rest_;
  std::size_t size_ = 0;
  int file_ = -1;
};

/// Where a connection comes from. Printed as REMOTE_ADDR would be: "127.0.0.1", "::1", or "unix".
struct Peer {
  std::uint8_t bytes[16] = {};
  std::uint16_t port = 0;  ///< host order
  enum class Family : std::uint8_t { unknown, ipv4, ipv6, local } family = Family::unknown;

  std::string address() const;
  bool operator==(const Peer&) const = default;
};

class Response;

/// Sends an answer while its handler still runs, for handlers that block (corelab::blocks): the head, then bytes as they
/// are made. What the handler returns in the end continues the body; its head is ignored. Any one thread at a time, until
/// the handler returns.
class AnswerWriter {
 public:
  /// Begins the answer with the head of `answer`, whose body is not used; once. `length`: of the whole body, if it is known.
  /// Not for HEAD, 204 and 304, which have no body.
  virtual void begin(Response answer, std::optional<std::size_t> length) = 0;
  /// Returns when the system has taken all of it, which may be as long as --write-timeout. False: the client has left, or
  /// takes nothing; what is still written is dropped.
  virtual bool write(std::string_view bytes) = 0;

 protected:
  ~AnswerWriter() = default;
};

/// A socket that was asked, as CGI names it (RFC 3875 section 4.1.14): "127.0.0.1" and "8000"; "localhost" and "80" of a
/// UNIX domain socket.
struct Endpoint {
  std::string host, port;
};

/// One request, complete with its body. Its views point into the session's buffers: they are valid until the handler's
/// Response is given back, however long a coroutine handler waits.
struct Request {
  Method method = Method::get;
  std::string_view method_name;
  std::string_view target;     ///< as sent
  std::string_view path;       ///< the target's path, percent-encoded, "/" or longer, or "*"
  std::string_view query;      ///< behind '?', percent-encoded, without it
  std::string_view authority;  ///< host[:port], from the target if it has one (RFC 9112 section 3.2.2), else from Host
  int version_minor = 1;       ///< HTTP/1.x
  std::span<const Field> fields;
  mutable BodyReader body;
  Peer peer;                            ///< who asks: the connection's other end, or whom a trusted proxy asks for
  std::string_view scheme = "http";     ///< or "https", if a trusted proxy says so
  bool authority_is_forwarded = false;  ///< it is what a trusted proxy was asked for
  const Endpoint* endpoint = nullptr;   ///< the socket that was asked; null where there is none
  AnswerWriter* writer = nullptr;  ///< of a handler that blocks

  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// A response body that is pulled: for what is large, slow, or of unknown length. Called and destroyed on the thread that
/// its handler ran on.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// What pull() gives when there is nothing now, and yet no end: it is to be asked again. Only of one that blocks().
  static constexpr std::size_t nothing_yet = static_cast<std::size_t>(-1);

  /// Writes up to into.size() bytes and says how many; 0 means the end. Must not wait for long unless it
  /// blocks(): on a loop everybody waits with it. To give up, throw: the connection is closed short, so that the client knows.
  virtual std::size_t pull(std::span<char> into) = 0;

  /// pull() and its destructor may hold their thread for long, and count on having it for themselves: between its
  /// handler's call and its destructor no other handler that blocks, and no source of another one, has the thread.
  virtual bool blocks() const { return false; }

  /// Bytes in all, if known before the first pull: sent as Content-Length, else the body goes out chunked.
  virtual std::optional<std::size_t> length() const { return std::nullopt; }
};

/// Text that lives as long as the program; only a literal converts to it, so that no view can dangle.
struct Literal {
  std::string_view view;
  consteval Literal(const char* text) : view(text) {}  // NOLINT: implicit on purpose
};

/// An answer that is not there yet, which a handler that blocks gives back in its place: so its thread can look after
/// deadlines, after its client and, on a loop, after others, before it asks again. Asked and destroyed on that thread, under
/// the same promise as BodySource::blocks().
class PendingAnswer {
 public:
  virtual ~PendingAnswer() = default;
  /// The answer, or nothing yet.
  virtual std::optional<Response> ask() = 0;
};

/// What a handler gives back. Movable, not copyable.
class Response {
 public:
  using Body =
      std::variant<std::string_view, std::string, std::unique_ptr<BodySource>, std::unique_ptr<PendingAnswer>>;

  Response() = default;
  explicit Response(int status) : status_(status) {}
  explicit Response(std::unique_ptr<PendingAnswer> pending) : body_(std::move(pending)) {}
  Response(int status, Literal content_type, Body body)
      : status_(status), content_type_(content_type.view), body_(std::move(body)) {}

  int status() const { return status_; }
  /// The reason phrase; empty: that of RFC 9110. No CR, LF or NUL (std::invalid_argument).
  std::string_view reason() const { return reason_ ? std::string_view(*reason_) : std::string_view(); }
  Response& reason(std::string phrase);
  std::string_view content_type() const { return content_type_; }
  Body& body() { return body_; }
  bool is_pending() const { return std::holds_alternative<std::unique_ptr<PendingAnswer>>(body_); }

  /// Adds a field. Throws std::invalid_argument if the name is no token or the value holds CR, LF or NUL, so that no
  /// handler can split a response; Content-Length, Transfer-Encoding, Connection, Date and Server are the session's own
  /// and refused too. A Content-Type replaces the one given at construction.
  Response& header(std::string name, std::string value);
  std::span<const std::pair<std::string, std::string>> headers() const { return headers_; }

  /// Fields that have been checked as header() does, each as "\r\nName: value"; for adapters that check once and send
  /// often. They come behind the others.
  Response& checked_lines(std::string lines) {
    lines_ = std::move(lines);
    return *this;
  }
  std::string_view checked_lines() const { return lines_; }

  /// The connection ends with this answer.
  Response& close() {
    closes_ = true;
    return *this;
  }
  bool closes() const { return closes_; }

 private:
  int status_ = 200;
  bool closes_ = false;
  std::unique_ptr<const std::string> reason_;  // apart, because hardly any answer has one
  std::string_view content_type_;
  Body body_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string lines_;
};

inline constexpr Literal plain_text = "text/plain; charset=utf-8";
inline constexpr Literal json_text = "application/json";

/// A text/plain answer that owns its bytes.
inline Response text(std::string body, int status = 200) { return {status, plain_text, std::move(body)}; }

/// An answer whose body is a literal: nothing is copied or allocated.
inline Response fixed(Literal body, Literal content_type = plain_text) { return {200, content_type, body.view}; }

}  // namespace corelab
