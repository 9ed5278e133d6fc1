// A file that several threads and processes append whole lines to, and that can be opened again under its name.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "common/net/fd.hpp"

namespace corelab {

class AppendFile {
 public:
  /// "-" is the descriptor `standard`. Throws std::system_error, with a sentence, if it cannot be opened.
  explicit AppendFile(const std::string& path, int standard = STDOUT_FILENO);

  /// One write(2) with O_APPEND: lines of different writers never mix. Any thread. A full disk loses the line.
  void write(std::string_view lines) const;

  /// Goes on in `path`; the old file stays in use if that throws. Writers meanwhile write to the one or the other.
  void reopen(const std::string& path);

 private:
  int standard_;
  Fd fd_;
};

}  // namespace corelab
