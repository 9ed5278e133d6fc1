// llhttp behind a small face: one complete head in, a request's fields out; and the chunked coding. The only file that
// knows llhttp; whatever it lets by that RFC 9112 forbids is checked by its callers (head_scanner, rules).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/message.hpp"
#include "common/http/violation.hpp"

namespace corelab {

/// Not thread-safe. Allocates when constructed, and not after.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// Does llhttp know this method? (Case-sensitive, RFC 9110 section 9.1.)
  static bool knows_method(std::string_view name);

  struct Head {
    bool keep_alive = false;  ///< what HTTP version and Connection field ask for (RFC 9112 section 9.3)
    bool other_coding = false;  ///< llhttp gave up on a Transfer-Encoding that is not chunked
    Violation violation;
  };

  /// Parses one head, complete with its empty line, whose request line has been checked: a method that llhttp does not
  /// know is shown to it as one that it does. Fills `fields` (at most max_fields, else 431) with views into it.
  Head parse_head(std::string_view head, bool method_is_known, std::vector<Field>& fields, std::size_t max_fields);

  struct Chunks {
    std::size_t consumed = 0;  ///< bytes of the input that were taken; those ahead of the mistake if there is one
    enum class At {
      end_of_input,
      chunk,       ///< behind a chunk's size line
      last_chunk,  ///< behind the last chunk's; what follows is the trailers
      error,
    } at = At::end_of_input;
    Violation violation;
  };

  /// Decodes a chunked body, whose head was the last thing parsed, and appends its data to `body`; stops behind each
  /// chunk's size line. Give it the bytes as they come, each once. A chunk that would make the body larger than `most`
  /// bytes is refused when its size has come (413).
  Chunks decode_chunks(std::string_view bytes, std::string& body, std::size_t most);

  /// Feeds the trailers, complete with their empty line; their fields are checked and dropped (RFC 9110 section 6.5.1).
  Violation finish_trailers(std::string_view trailers);

  /// Chunks seen since the head.
  std::size_t chunks() const;

 private:
  struct State;
  friend struct ParserCallbacks;
  std::unique_ptr<State> state_;
};

}  // namespace corelab
