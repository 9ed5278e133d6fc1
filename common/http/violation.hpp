// Bad input as a value: the status it is answered with and the sentence that says why.
#pragma once

#include <string_view>

namespace corelab {

/// Everything the session refuses ends as one of these; nothing of it is ever thrown. `sentence` is a literal.
struct Violation {
  int status = 0;  ///< 0: none
  std::string_view sentence;

  explicit operator bool() const { return status != 0; }
};

}  // namespace corelab
