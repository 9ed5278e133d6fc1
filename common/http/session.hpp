// HTTP/1.1 on one connection, without the connection: bytes in, requests out; responses in, bytes out; and what it
// wants next. Reads no clock, no socket and no global, so all cores behave alike and it can be fuzzed on its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/answer_start.hpp"
#include "common/http/body_store.hpp"
#include "common/http/byte_buffer.hpp"
#include "common/http/head_scanner.hpp"
#include "common/http/limits.hpp"
#include "common/http/message.hpp"
#include "common/http/parser.hpp"
#include "common/http/rules.hpp"

namespace corelab {

/// What a connection is served with. All that it refers to must stay valid until the session's next begin().
struct SessionSetup {
  const Limits& limits;
  std::string_view answer_start = default_answer_start;  ///< from corelab::answer_start()
  MakeBodyStore make_store = nullptr;  ///< for bodies larger than Limits::body_buffer; without it they stay in memory
  std::atomic<std::size_t>* bodies = nullptr;  ///< kept at what all sessions that share it have in memory of bodies
};

/// One thread at a time. Large (its buffers), so that drivers lease one to a connection only while it is busy: begin()
/// makes it new, idle() says when nothing would be lost by giving it to another connection.
///
/// A driver's loop is: ask next(); do that; ask again.
class Session {
 public:
  enum class Want {
    read,    ///< more bytes: put them into space(), then filled(), or end_of_input()
    handle,  ///< a handler for request(), then respond()
    write,   ///< output() sent, as far as the peer takes it, then sent()
    pull,    ///< a piece of the body from source(), which blocks, then pulled(); nothing is owed to the peer meanwhile
    close,   ///< the connection closed; gently if lingers()
  };

  /// What the peer is in the middle of while next() is `read`: says which deadline runs.
  enum class Phase { idle, head, body };

  Session();

  /// Starts a connection.
  void begin(const SessionSetup& setup);
  ~Session();

  /// The body that is being read is not to be had: its memory is free again. To be followed by refuse().
  void drop_body();

  /// The connection is over: gives back what no other one should pay for. Until the next begin() it can do nothing.
  void end();

  /// The Date field's value for the answers to come (RFC 9110 section 6.6.1); what it points at stays the caller's.
  void set_date(std::string_view date) { date_ = date; }

  Want next();

  /// Room for input, never empty while next() is `read`; valid until the next call of anything but filled().
  std::span<char> space() { return {input_.get() + input_end_, input_capacity_ - input_end_}; }
  void filled(std::size_t n) { input_end_ += n; }

  /// Copies input in, for drivers whose bytes are elsewhere; returns how many of them fitted.
  std::size_t feed(std::string_view bytes);

  /// The peer sends no more. What it sent in full is still answered (RFC 9112 section 9.6).
  void end_of_input() { input_ended_ = true; }

  /// Valid from `handle` until respond().
  Request& request() { return request_; }

  /// Room for an authority of request() that is put together from what a proxy says.
  std::string& forwarded_authority() { return forwarded_authority_; }

  /// Answers request(). With `last` the answer says `Connection: close` and the connection ends behind it.
  void respond(Response&& response, bool last = false);

  /// Refuses what the peer is in the middle of sending (408 when its deadline has passed) and ends the connection.
  void refuse(Violation violation) { fail(violation); }

  /// The status of a refusal since the last call, for a log; 0: there was none.
  int take_refusal() { return std::exchange(refusal_, 0); }

  struct Output {
    std::string_view first, second;  ///< to be sent in this order
    std::size_t size() const { return first.size() + second.size(); }
  };
  /// What waits to be sent; valid until the next call of anything else.
  Output output() const { return {output_.view(), large_body_view_}; }
  bool has_output() const { return !output_.empty() || !large_body_view_.empty(); }
  void sent(std::size_t n);

  /// An answer's body is being pulled from a source that blocks. It may be pulled ahead of what the peer takes.
  bool pulls() const { return state_ == State::streaming && source_ != nullptr && source_->blocks(); }
  /// Valid while pulls(): what to pull, and how much of it at most.
  BodySource& source() { return *source_; }
  std::size_t most_to_pull() const;
  /// What source() gave, up to most_to_pull(); nothing is its end.
  void pulled(std::string_view piece);

  // An answer that is pushed while its handler runs: respond() with a source that blocks and is never pulled, then
  // push(), then continue_with().
  /// Its next piece, of at most most_to_pull() bytes. The answer does not end with it: request() stays valid.
  void push(std::string_view piece);
  /// What is left of it is pulled from now on.
  void continue_with(std::unique_ptr<BodySource> rest) { source_ = std::move(rest); }
  /// The answer's body cannot be had: the connection ends short of it. Gives what source() was, if there was one: its
  /// destructor may block as pull() may.
  std::unique_ptr<BodySource> give_up_body();

  Phase phase() const;
  /// Bytes of the body that have come, while phase() is `body`.
  std::size_t body_received() const { return stored_ + body_.size(); }
  /// Nothing of a request has come, but perhaps the first half of a blank line.
  bool is_between_requests() const { return state_ == State::head && scanner_.untouched() && (unparsed().empty() || unparsed() == "\r"); }
  bool idle() const { return state_ == State::head && parsed_ == input_end_ && !has_output() && !input_ended_; }

  /// True if the peer may still be sending, while next() is `close`: close our side and read on until it has closed its own
  /// (RFC 9112 section 9.6), else the answer in flight may be lost to a reset.
  bool lingers() const { return state_ == State::closing && !input_ended_ && !is_cut_short_; }

 private:
  enum class State {
    head,       // between requests, or in the middle of a head
    body,       // in the middle of a body
    trailers,   // in the middle of a chunked body's trailers
    ready,      // a request is complete and waits for its handler
    streaming,  // the rest of an answer's body is being sent
    closing,    // nothing more is parsed; what is left is sent
  };

  // Each returns false if it cannot go on without more input.
  bool parse();
  bool parse_head();
  bool parse_body();
  bool parse_chunks();
  bool parse_trailers();

  Violation read_head();
  void begin_message();
  void forget_body();
  void count_body();
  bool is_too_much_for_memory() const;
  void begin_body();
  bool store_body();
  void complete_body();
  void complete_request(BodyReader body);
  void move_input_to(std::size_t base);
  void fail(Violation violation);
  void write_head(const Response& response, bool keep_alive, std::string_view framing);
  void write_body(Response& response);
  void pull();
  std::size_t piece_prefix() const;
  void write_piece(char* piece, std::size_t n);
  void end_piece(char* piece, std::size_t n);
  void end_answer();
  bool output_is_full() const { return output_.size() >= limits_->output || batch_ >= limits_->pipeline; }
  std::string_view unparsed() const { return {input_.get() + parsed_, input_end_ - parsed_}; }

  const Limits* limits_ = nullptr;
  std::string_view answer_start_;
  std::string_view date_;
  State state_ = State::head;

  // Input: [0, head_end_) is the head of the request being read or answered, [parsed_, input_end_) is yet to be parsed.
  std::unique_ptr<char[]> input_;
  std::size_t input_capacity_ = 0;
  std::size_t input_end_ = 0;
  std::size_t parsed_ = 0;
  std::size_t head_end_ = 0;
  bool input_ended_ = false;

  // The request.
  Parser parser_;
  HeadScanner scanner_;
  bool request_line_checked_ = false;
  Request request_;
  std::vector<Field> fields_;
  std::string forwarded_authority_;
  rules::Framing framing_;
  bool keep_alive_ = true;
  std::string body_;               // when it did not come in one piece; of one that is stored, what is yet to be
  std::atomic<std::size_t>* bodies_ = nullptr;
  std::size_t counted_ = 0;        // of body_, in *bodies_
  MakeBodyStore make_store_ = nullptr;
  std::unique_ptr<BodyStore> store_;  // of a body that is too large for memory
  std::size_t stored_ = 0;
  std::size_t framing_bytes_ = 0;  // of a chunked body: all that is not data

  // Output: output_, then large_body_ or what source_ gives.
  ByteBuffer output_;
  std::size_t batch_ = 0;  // answers in output_
  std::string large_body_;
  std::string_view large_body_view_;
  std::unique_ptr<BodySource> source_;
  std::optional<std::size_t> source_left_;
  bool source_is_chunked_ = false;
  bool is_cut_short_ = false;  // in the middle of an answer
  int refusal_ = 0;
};

}  // namespace corelab
