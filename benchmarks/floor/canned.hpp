// What the floor answers, and when: a response built once, and a count of requests that stands in for
// parsing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace corelab::floor {

/// The most bytes one recv takes. The prebuilt block is long enough for any chunk of this size.
inline constexpr std::size_t chunk_bytes = 16 * 1024;

/// Counts the requests that end in a stream of chunks: the non-overlapping occurrences of CR LF CR LF,
/// wherever the chunks are cut. Right for requests without a body, which is all that a load generator sends
/// to the floor. One per connection; used by one thread at a time.
class RequestCounter {
 public:
  std::size_t count(std::string_view chunk);

 private:
  std::size_t matched_ = 0;  ///< bytes of CR LF CR LF seen at the end of the last chunk
};

/// The response of a corelab core to /plaintext, byte for byte, the date frozen at construction, repeated so
/// that the answers to any chunk are one prefix of one block: a single send, and nothing copied or built per
/// request. Immutable after construction; any thread may use it.
class Canned {
 public:
  /// `close`: say `Connection: close`, and answer at most one request of a connection.
  explicit Canned(bool close);

  /// The answers to that many requests. Valid as long as this object.
  std::string_view answers(std::size_t requests) const;

  /// Whether a connection is closed behind its answer.
  bool closes() const { return close_; }

 private:
  bool close_;
  std::size_t response_bytes_;
  std::string block_;
};

}  // namespace corelab::floor
