#include "common/http/parser.hpp"

#include <llhttp.h>

#include <algorithm>
#include <iterator>

namespace corelab {

struct Parser::State {
  llhttp_t llhttp{};
  std::vector<Field>* fields = nullptr;  // null while trailers pass by
  std::size_t max_fields = 0;
  std::string* body = nullptr;
  std::size_t most_body = 0;
  bool body_too_large = false;
  std::size_t chunks = 0;
  bool last_chunk = false;
  bool keep_alive = false;
  bool too_many_fields = false;
};

// A head is given in one piece, so each span comes in one call.
struct ParserCallbacks {
  static Parser::State& state(llhttp_t* llhttp) { return *static_cast<Parser::State*>(llhttp->data); }

  static int on_header_field(llhttp_t* llhttp, const char* at, std::size_t length) {
    Parser::State& s = state(llhttp);
    if (s.fields == nullptr) return 0;
    if (s.fields->size() == s.max_fields) {
      s.too_many_fields = true;
      return HPE_USER;
    }
    s.fields->push_back({{at, length}, {}});
    return 0;
  }

  static int on_header_value(llhttp_t* llhttp, const char* at, std::size_t length) {
    Parser::State& s = state(llhttp);
    if (s.fields == nullptr) return 0;
    while (length != 0 && (at[length - 1] == ' ' || at[length - 1] == '\t')) --length;
    s.fields->back().value = {at, length};
    return 0;
  }

  static int on_headers_complete(llhttp_t* llhttp) {
    // An upgrade is ignored (RFC 9110 section 7.8); left set, llhttp would take what is pipelined behind it for
    // another protocol.
    llhttp->upgrade = 0;
    // `close` wins (RFC 9112 section 9.3): on HTTP/1.0 llhttp looks for keep-alive only.
    state(llhttp).keep_alive = llhttp_should_keep_alive(llhttp) != 0 && (llhttp->flags & F_CONNECTION_CLOSE) == 0;
    return 0;
  }

  static int on_body(llhttp_t* llhttp, const char* at, std::size_t length) {
    state(llhttp).body->append(at, length);
    return 0;
  }

  static int on_chunk_header(llhttp_t* llhttp) {
    Parser::State& s = state(llhttp);
    if (llhttp->content_length > s.most_body - s.body->size()) {
      s.body_too_large = true;
      return HPE_USER;
    }
    ++s.chunks;
    s.last_chunk = llhttp->content_length == 0;
    return HPE_PAUSED;  // size lines are counted where they end, and trailers looked at before llhttp sees them
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t all = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_header_field = on_header_field;
      s.on_header_value = on_header_value;
      s.on_headers_complete = on_headers_complete;
      s.on_body = on_body;
      s.on_chunk_header = on_chunk_header;
      return s;
    }();
    return all;
  }

  static Violation refusal(const llhttp_t& llhttp) {
    const char* reason = llhttp_get_error_reason(&llhttp);
    return {400, reason != nullptr && *reason != '\0' ? reason : "malformed request"};
  }
};

Parser::Parser() : state_(std::make_unique<State>()) {}
Parser::~Parser() = default;

bool Parser::knows_method(std::string_view name) {
#define CORELAB_METHOD_NAME(number, id, text) #text,
  static constexpr std::string_view names[] = {HTTP_METHOD_MAP(CORELAB_METHOD_NAME)};
#undef CORELAB_METHOD_NAME
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Parser::Head Parser::parse_head(std::string_view head, bool method_is_known, std::vector<Field>& fields,
                                std::size_t max_fields) {
  State& s = *state_;
  llhttp_init(&s.llhttp, HTTP_REQUEST, &ParserCallbacks::settings());
  s.llhttp.data = &s;
  s.fields = &fields;
  s.max_fields = max_fields;
  s.chunks = 0;
  s.keep_alive = false;
  s.too_many_fields = false;

  llhttp_errno_t error = HPE_OK;
  if (!method_is_known) {
    // Any that may have a body: for llhttp what follows does not depend on it (CONNECT, with its tunnel, it knows).
    constexpr std::string_view known = "POST";
    error = llhttp_execute(&s.llhttp, known.data(), known.size());
    head.remove_prefix(head.find(' '));
  }
  if (error == HPE_OK) error = llhttp_execute(&s.llhttp, head.data(), head.size());
  Head result;
  result.keep_alive = s.keep_alive;
  if (s.too_many_fields) {
    result.violation = {431, "the request has more header fields than --limit-request-fields allows"};
  } else if (error == HPE_INVALID_TRANSFER_ENCODING) {
    result.other_coding = true;
  } else if (error != HPE_OK) {
    result.violation = ParserCallbacks::refusal(s.llhttp);
  }
  return result;
}

Parser::Chunks Parser::decode_chunks(std::string_view bytes, std::string& body, std::size_t most) {
  State& s = *state_;
  s.body = &body;
  s.most_body = most;
  s.body_too_large = false;
  s.fields = nullptr;
  llhttp_errno_t error = llhttp_execute(&s.llhttp, bytes.data(), bytes.size());
  if (error == HPE_OK) return {bytes.size(), Chunks::At::end_of_input, {}};
  std::size_t consumed = static_cast<std::size_t>(llhttp_get_error_pos(&s.llhttp) - bytes.data());
  if (s.body_too_large) {
    return {consumed, Chunks::At::error, {413, "the body is larger than --limit-request-body allows"}};
  }
  if (error != HPE_PAUSED) return {consumed, Chunks::At::error, ParserCallbacks::refusal(s.llhttp)};
  llhttp_resume(&s.llhttp);
  return {consumed, s.last_chunk ? Chunks::At::last_chunk : Chunks::At::chunk, {}};
}

Violation Parser::finish_trailers(std::string_view trailers) {
  llhttp_errno_t error = llhttp_execute(&state_->llhttp, trailers.data(), trailers.size());
  return error == HPE_OK ? Violation{} : ParserCallbacks::refusal(state_->llhttp);
}

std::size_t Parser::chunks() const { return state_->chunks; }

}  // namespace corelab
