#include "common/http/session.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace corelab {

namespace {

// Room for a body's next piece beside a head: one system call should be able to bring a lot of it.
constexpr std::size_t body_room = 32 * 1024;
// A body larger than this is sent from where it is instead of being copied behind its head.
constexpr std::size_t copied_body = 16 * 1024;
constexpr std::size_t pulled_piece = 32 * 1024;
// Memory that a session keeps when it goes from one connection to the next.
constexpr std::size_t kept_memory = 256 * 1024;
// A chunk's size line and the CRLF behind its data: 16 digits and two CRLF are nobody's abuse.
constexpr std::size_t plain_chunk_overhead = 20;

constexpr bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

// A chunk's size line, of size_line bytes (RFC 9112 section 7.1).
constexpr std::size_t size_line = 8;
void write_chunk_size(char* to, std::size_t n) {
  for (std::size_t i = 0; i < size_line - 2; ++i) to[i] = "0123456789abcdef"[n >> 4 * (size_line - 3 - i) & 0xf];
  std::memcpy(to + size_line - 2, "\r\n", 2);
}

}  // namespace

Session::Session() { fields_.reserve(Limits{}.fields); }

Session::~Session() { forget_body(); }

void Session::begin(const SessionSetup& setup) {
  const Limits& limits = setup.limits;
  limits_ = &limits;
  answer_start_ = setup.answer_start;
  make_store_ = setup.make_store;
  bodies_ = setup.bodies;
  std::size_t wanted = limits.head + std::max(body_room, limits.chunk_overhead + 4096);
  if (input_capacity_ < wanted) {
    input_ = std::make_unique_for_overwrite<char[]>(wanted);
    input_capacity_ = wanted;
  }
  input_end_ = parsed_ = head_end_ = 0;
  input_ended_ = is_cut_short_ = false;
  refusal_ = 0;
  batch_ = 0;
  begin_message();
}

void Session::end() {
  output_.clear();
  output_.shrink(kept_memory);
  large_body_view_ = {};
  std::string().swap(large_body_);
  source_.reset();
  forget_body();
}

void Session::begin_message() {
  state_ = State::head;
  scanner_.start(HeadScanner::What::head);
  request_line_checked_ = false;
  request_.method = Method::get;
  request_.version_minor = 1;
  request_.authority = {};
  request_.scheme = "http";
  request_.authority_is_forwarded = false;
  fields_.clear();
  framing_ = {};
  keep_alive_ = true;
  forget_body();
}

void Session::forget_body() {
  if (body_.capacity() > kept_memory) std::string().swap(body_);
  body_.clear();
  count_body();
  store_.reset();
  stored_ = 0;
  framing_bytes_ = 0;
}

void Session::drop_body() {
  std::string().swap(body_);
  count_body();
}

void Session::count_body() {
  if (bodies_ == nullptr || counted_ == body_.size()) return;
  bodies_->fetch_add(body_.size() - counted_, std::memory_order_relaxed);  // (modulo 2^64 it may be less)
  counted_ = body_.size();
}

bool Session::is_too_much_for_memory() const {
  return body_.size() > limits_->body_buffer ||
         (limits_->body_memory != 0 && bodies_ != nullptr && bodies_->load(std::memory_order_relaxed) > limits_->body_memory);
}

std::size_t Session::feed(std::string_view bytes) {
  std::size_t n = std::min(bytes.size(), space().size());
  std::copy_n(bytes.begin(), n, space().begin());
  filled(n);
  return n;
}

Session::Phase Session::phase() const {
  if (state_ == State::head) return parsed_ == input_end_ ? Phase::idle : Phase::head;
  return Phase::body;
}

Session::Want Session::next() {
  for (;;) {
    switch (state_) {
      case State::head:
      case State::body:
      case State::trailers:
        if (output_is_full()) return Want::write;
        if (parse()) continue;
        if (has_output()) return Want::write;
        if (!input_ended_) {
          // Views into the head must stay where they are; before there is a head, nothing must.
          move_input_to(state_ == State::head ? 0 : head_end_);
          return Want::read;
        }
        state_ = State::closing;
        continue;
      case State::ready: return output_is_full() ? Want::write : Want::handle;
      case State::streaming:
        if (pulls()) return has_output() ? Want::write : Want::pull;
        if (source_ != nullptr && output_.size() < pulled_piece) pull();
        if (has_output()) return Want::write;
        if (state_ == State::streaming) end_answer();
        continue;
      case State::closing: return has_output() ? Want::write : Want::close;
    }
  }
}

bool Session::parse() {
  switch (state_) {
    case State::head: return parse_head();
    case State::body: return framing_.chunked ? parse_chunks() : parse_body();
    default: return parse_trailers();
  }
}

bool Session::parse_head() {
  // An empty line ahead of a request is skipped (RFC 9112 section 2.2): some clients send one behind a body.
  while (scanner_.untouched() && unparsed().starts_with("\r\n")) parsed_ += 2;
  if (parsed_ == input_end_ || unparsed() == "\r") return false;

  Violation found = scanner_.scan(unparsed(), *limits_);
  if (!found && scanner_.complete()) {
    found = read_head();
    if (!found) begin_body();
  } else if (scanner_.has_first_line() && !request_line_checked_) {
    // A request line that nothing can mend is refused at once: a client that speaks another protocol would wait for
    // an answer, and we for the end of its head. Its mistake goes before one that came behind it, so that the refusal
    // does not depend on how the bytes were cut.
    request_line_checked_ = true;
    Violation in_line = rules::read_request_line(unparsed().substr(0, scanner_.first_line()), request_);
    if (in_line) found = in_line;
  }
  if (found) fail(found);
  return found || state_ != State::head;
}

Violation Session::read_head() {
  std::string_view head = unparsed().substr(0, scanner_.length());
  request_.authority = {};
  fields_.clear();
  framing_ = {};
  if (Violation found = rules::read_request_line(head.substr(0, scanner_.first_line()), request_)) return found;
  Parser::Head parsed = parser_.parse_head(head, request_.method != Method::unknown, fields_, limits_->fields);
  if (parsed.violation) return parsed.violation;
  if (parsed.other_coding) return rules::why_coding_is_refused(head);
  request_.fields = fields_;
  if (Violation found = rules::read_fields(request_, limits_->body, framing_)) return found;
  keep_alive_ = parsed.keep_alive;
  return {};
}

void Session::begin_body() {
  head_end_ = parsed_ + scanner_.length();
  std::size_t here = input_end_ - head_end_;
  if (!framing_.chunked && here >= framing_.content_length) {
    parsed_ = head_end_ + framing_.content_length;
    complete_request(BodyReader(std::string_view(input_.get() + head_end_, framing_.content_length)));
    return;
  }
  if (parsed_ != 0) {
    // Behind answered requests there may be no room left for the body: the head moves to the front, where it is read
    // again, because its views pointed to where it was.
    move_input_to(0);
    read_head();
    head_end_ = scanner_.length();
  }
  parsed_ = head_end_;
  state_ = State::body;
  if (framing_.expects_continue && here == 0) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
}

bool Session::parse_body() {
  std::string_view piece = unparsed().substr(0, framing_.content_length - body_received());
  if (piece.empty()) return false;
  body_.append(piece);
  parsed_ += piece.size();
  if (!store_body()) return true;
  if (body_received() < framing_.content_length) return false;
  complete_body();
  return true;
}

// What is too large for memory goes to a store. False: there is no room for it, and the request is refused.
bool Session::store_body() {
  count_body();
  if (make_store_ == nullptr || (store_ == nullptr && !is_too_much_for_memory())) return true;
  if (store_ == nullptr) store_ = make_store_();
  if (store_ == nullptr || !store_->append(body_)) {
    fail({503, "there is no room for the request's body"});
    return false;
  }
  stored_ += body_.size();
  if (body_.capacity() > kept_memory) std::string().swap(body_);
  body_.clear();
  count_body();
  return true;
}

void Session::complete_body() {
  if (store_ == nullptr) return complete_request(BodyReader(body_));
  std::string_view stored = store_->view();
  if (stored.size() != stored_) return fail({503, "there is no room for the request's body"});
  complete_request(BodyReader(stored, store_->file()));
}

bool Session::parse_chunks() {
  if (parsed_ == input_end_) return false;
  std::size_t size_before = body_.size();
  Parser::Chunks step = parser_.decode_chunks(unparsed(), body_, limits_->body - stored_);
  parsed_ += step.consumed;
  framing_bytes_ += step.consumed - (body_.size() - size_before);
  if (!store_body()) return true;
  // A size line has its allowance from its first byte on, so that it does not matter where the bytes were cut.
  using At = Parser::Chunks::At;
  bool in_line = step.at == At::end_of_input || step.at == At::error;
  if (framing_bytes_ > limits_->chunk_overhead + plain_chunk_overhead * (parser_.chunks() + (in_line ? 1 : 0))) {
    fail({413, "the body's chunk extensions are longer than the limit allows"});
  } else if (step.violation) {
    fail(step.violation);
  } else if (step.at == At::last_chunk) {
    state_ = State::trailers;
    scanner_.start(HeadScanner::What::trailers);
  } else {
    return step.at == At::chunk;
  }
  return true;
}

bool Session::parse_trailers() {
  Violation found = scanner_.scan(unparsed(), *limits_);
  if (!found && !scanner_.complete()) return false;
  if (!found) found = parser_.finish_trailers(unparsed().substr(0, scanner_.length()));
  if (found) {
    fail(found);
  } else {
    parsed_ += scanner_.length();
    complete_body();
  }
  return true;
}

void Session::complete_request(BodyReader body) {
  request_.body = body;
  state_ = State::ready;
}

void Session::move_input_to(std::size_t base) {
  if (parsed_ == base) return;
  std::memmove(input_.get() + base, input_.get() + parsed_, input_end_ - parsed_);
  input_end_ -= parsed_ - base;
  parsed_ = base;
}

void Session::fail(Violation violation) {
  refusal_ = violation.status;
  keep_alive_ = false;
  Response refusal = text(std::string(violation.sentence) + '\n', violation.status);
  write_body(refusal);
  state_ = State::closing;
}

void Session::respond(Response&& response, bool last) {
  bool ends = last || response.closes();
  if (ends) keep_alive_ = false;
  write_body(response);
  if (state_ != State::streaming) end_answer();
}

// Writes the answer's head and as much of its body as belongs into the buffer; leaves state_ `streaming` if there is more.
void Session::write_body(Response& response) {
  ++batch_;
  if (has_no_body(response.status())) {
    write_head(response, keep_alive_, {});
    return;
  }
  bool bodiless = request_.method == Method::head;
  std::array<char, 48> framing;
  auto content_length = [&framing](std::size_t n) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    std::memcpy(framing.data(), name.data(), name.size());
    char* end = std::to_chars(framing.data() + name.size(), framing.data() + framing.size(), n).ptr;
    return std::string_view(framing.data(), static_cast<std::size_t>(end - framing.data()));
  };

  if (auto* source = std::get_if<std::unique_ptr<BodySource>>(&response.body())) {
    source_left_ = (*source)->length();
    source_is_chunked_ = !source_left_ && request_.version_minor == 1;
    if (!source_left_ && !source_is_chunked_) keep_alive_ = false;  // only the end of the connection can end the body
    write_head(response, keep_alive_,
               source_left_         ? content_length(*source_left_)
               : source_is_chunked_ ? std::string_view("\r\nTransfer-Encoding: chunked")
                                    : std::string_view());
    if (bodiless) return;
    source_ = std::move(*source);
    state_ = State::streaming;
    return;
  }

  auto* owned = std::get_if<std::string>(&response.body());
  std::string_view body = owned != nullptr ? std::string_view(*owned) : std::get<std::string_view>(response.body());
  write_head(response, keep_alive_, content_length(body.size()));
  if (bodiless) return;
  if (body.size() <= copied_body) {
    output_.append(body);
    return;
  }
  if (owned != nullptr) {
    large_body_ = std::move(*owned);
    body = large_body_;
  }
  large_body_view_ = body;
  state_ = State::streaming;
}

void Session::write_head(const Response& response, bool keep_alive, std::string_view framing) {
  constexpr std::string_view space = " ", line_end = "\r\n", colon = ": ";
  std::string_view type = response.content_type();
  std::string_view type_name = type.empty() ? "" : "\r\nContent-Type: ";
  std::string_view end = !keep_alive                   ? "\r\nConnection: close\r\n\r\n"
                         : request_.version_minor == 0 ? "\r\nConnection: keep-alive\r\n\r\n"
                                                       : "\r\n\r\n";
  std::string_view start = answer_start_;
  if (response.status() != 200 || !response.reason().empty()) {
    std::array<char, 12> digits;
    char* digits_end = std::to_chars(digits.data(), digits.data() + digits.size(), response.status()).ptr;
    output_.append("HTTP/1.1 ", std::string_view(digits.data(), digits_end), space,
                   response.reason().empty() ? reason_phrase(response.status()) : response.reason());
    start.remove_prefix(ok_line.size());
  }
  output_.append(start, date_, type_name, type, framing);
  for (const auto& [name, value] : response.headers()) {
    output_.append(line_end, std::string_view(name), colon, std::string_view(value));
  }
  output_.append(response.checked_lines(), end);
}

std::size_t Session::most_to_pull() const { return std::min(pulled_piece, source_left_.value_or(pulled_piece)); }

std::size_t Session::piece_prefix() const { return source_is_chunked_ ? size_line : 0; }

void Session::pull() {
  std::size_t most = most_to_pull();
  char* to = output_.prepare(piece_prefix() + most + 2);
  try {
    end_piece(to, most == 0 ? 0 : std::min(source_->pull({to + piece_prefix(), most}), most));
  } catch (...) {
    give_up_body();
  }
}

void Session::pulled(std::string_view piece) {
  char* to = output_.prepare(piece_prefix() + piece.size() + 2);
  std::copy(piece.begin(), piece.end(), to + piece_prefix());
  end_piece(to, piece.size());
}

void Session::push(std::string_view piece) {
  char* to = output_.prepare(piece_prefix() + piece.size() + 2);
  std::copy(piece.begin(), piece.end(), to + piece_prefix());
  write_piece(to, piece.size());
}

// `n` bytes of the body stand behind the room for their chunk's size.
void Session::write_piece(char* to, std::size_t n) {
  if (source_left_) *source_left_ -= n;
  if (source_is_chunked_) {
    write_chunk_size(to, n);
    std::memcpy(to + size_line + n, "\r\n", 2);
    output_.commit(size_line + n + 2);
  } else {
    output_.commit(n);
  }
}

void Session::end_piece(char* to, std::size_t n) {
  if (n != 0) {
    write_piece(to, n);
    if (source_left_ != 0) return;
  } else if (source_left_.value_or(0) != 0) {
    give_up_body();  // short of what was promised: only a close can tell the client
    return;
  } else if (source_is_chunked_) {
    output_.append("0\r\n\r\n");
  }
  source_.reset();
  end_answer();
}

std::unique_ptr<BodySource> Session::give_up_body() {
  is_cut_short_ = true;
  state_ = State::closing;
  return std::move(source_);
}

void Session::end_answer() {
  large_body_view_ = {};
  std::string().swap(large_body_);
  if (!keep_alive_) {
    state_ = State::closing;
    return;
  }
  if (parsed_ == input_end_) parsed_ = input_end_ = 0;
  head_end_ = 0;
  begin_message();
}

void Session::sent(std::size_t n) {
  std::size_t from_buffer = std::min(n, output_.size());
  output_.consume(from_buffer);
  large_body_view_.remove_prefix(n - from_buffer);
  if (output_.empty()) batch_ = 0;
}

}  // namespace corelab
