// A file that several threads and processes append whole lines to, and that can be opened again under its name.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/net/fd.hpp"

namespace corelab {

/// Nobody waits for it: where its disk is full, or the reader of its pipe stalls, lines are lost, and counted.
class AppendFile {
 public:
  /// "-" is the descriptor `standard`. Throws std::system_error, with a sentence, if it cannot be opened, or is a FIFO that
  /// nobody reads.
  explicit AppendFile(const std::string& path, int standard = STDOUT_FILENO);

  /// One write(2) with O_APPEND: lines of different writers never mix. Any thread. How many lines were lost before this one;
  /// 0 if it is lost itself.
  std::uint64_t write(std::string_view lines) const;

  /// Goes on in `path`; the old file stays in use if that throws. Writers meanwhile write to the one or the other.
  void reopen(const std::string& path);

 private:
  int standard_;
  Fd fd_;
  std::atomic<bool> is_socket_;
  mutable std::atomic<std::uint64_t> lost_{0};
  mutable std::atomic<bool> is_torn_{false};  // it ends in the middle of a line
};

}  // namespace corelab
