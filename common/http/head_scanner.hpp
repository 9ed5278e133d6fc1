// Finds the end of a head (or of a chunked body's trailers) in raw bytes and refuses the line endings and line starts
// that parsers disagree about: each such disagreement is a way to smuggle a request past a proxy.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/http/limits.hpp"
#include "common/http/violation.hpp"

namespace corelab {

class HeadScanner {
 public:
  enum class What { head, trailers };

  void start(What what) { *this = HeadScanner(what); }

  explicit HeadScanner(What what = What::head) : what_(what) {}

  /// Looks at `bytes`, which begin where the head begins and have only grown since the last call; no byte is looked at
  /// twice. Every line ends in CRLF, none holds another CR or LF (RFC 9112 section 2.2), none but the first starts with
  /// a blank (obs-fold, section 5.2) or a colon. A violation is final.
  Violation scan(std::string_view bytes, const Limits& limits);

  bool untouched() const { return scanned_ == 0; }
  bool complete() const { return complete_; }
  bool has_first_line() const { return first_line_ != 0; }
  std::size_t first_line() const { return first_line_ - 2; }  ///< bytes of the first line, without its CRLF
  std::size_t length() const { return line_start_; }          ///< bytes, with the empty line, once complete()

 private:
  What what_;
  bool complete_ = false;
  std::size_t line_start_ = 0;
  std::size_t scanned_ = 0;
  std::size_t first_line_ = 0;  // with its CRLF
};

}  // namespace corelab
