// The bounds of what one connection may ask for. Every one has a flag; the session enforces them all.
#pragma once

#include <cstddef>

namespace corelab {

struct Limits {
  std::size_t request_line = 8190;           ///< bytes without its CRLF; beyond: 414 (RFC 9112 section 3)
  std::size_t head = 16384;                  ///< bytes from request line to empty line; beyond: 431 (RFC 6585 section 5)
  std::size_t fields = 100;                  ///< header fields; beyond: 431
  std::size_t body = 1 << 20;                ///< bytes after decoding; beyond: 413
  std::size_t body_buffer = 1 << 20;         ///< bytes of a body that are kept in memory; a larger one goes to a BodyStore
  std::size_t body_memory = 0;               ///< bytes of all bodies in memory together, beyond which they go there, too; 0: any
  std::size_t chunk_overhead = 16384;        ///< bytes of chunk extensions in one body, and of its trailers; beyond: 413, 431
  std::size_t pipeline = 64;                 ///< answers that may gather before they are flushed
  std::size_t output = 64 * 1024;            ///< bytes of answers that may gather before reading pauses
};

}  // namespace corelab
