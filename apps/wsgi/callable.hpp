// What `wsgi:MODULE:CALLABLE` names, and finding it.
#pragma once

#include "apps/wsgi/python.hpp"

#include <string>
#include <string_view>

namespace corelab::wsgi {

/// CALLABLE may be dotted; with `()` behind it, it is called for the application.
struct Callable {
  std::string module, attribute;
  bool is_factory = false;
  static Callable parse(std::string_view name);

  /// Imports it; needs the GIL. `directory`: where its module is looked for first, for the sentence. Throws
  /// std::runtime_error with a sentence.
  Ref find(const std::string& directory) const;
};

}  // namespace corelab::wsgi
