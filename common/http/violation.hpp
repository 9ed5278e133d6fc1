// Bad input as a value: the status it is answered with and the sentence that says why.
#pragma once

namespace corelab {

/// Everything the session refuses ends as one of these; nothing of it is ever thrown. Two registers' worth: every check
/// of every request returns one.
struct Violation {
  int status = 0;  ///< 0: none
  const char* sentence = "";  ///< a literal

  explicit operator bool() const { return status != 0; }
};

}  // namespace corelab
