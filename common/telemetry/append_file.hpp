// A file that several threads and processes append whole lines to, and that can be opened again under its name.
#pragma once

#include <string>
#include <string_view>

#include "common/net/fd.hpp"

namespace corelab {

class AppendFile {
 public:
  /// "-" is standard output. Throws std::system_error, with a sentence, if it cannot be opened.
  explicit AppendFile(const std::string& path);

  /// One write(2) with O_APPEND: lines of different writers never mix. Any thread. A full disk loses the line.
  void write(std::string_view lines) const;

  /// Goes on in `path`; the old file stays in use if that throws. Writers meanwhile write to the one or the other.
  void reopen(const std::string& path);

 private:
  Fd fd_;
};

}  // namespace corelab
