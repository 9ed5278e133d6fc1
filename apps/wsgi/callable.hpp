// What `wsgi:MODULE:CALLABLE` names, and finding it.
#pragma once

#include "apps/wsgi/python.hpp"

#include <string>
#include <string_view>

namespace corelab::wsgi {

/// CALLABLE may be dotted; with arguments in parentheses behind it, which are literals, it is called for the application:
/// `create_app()`, `create_app("config.Prod", debug=False)`.
struct Callable {
  std::string module, attribute;
  std::string arguments;  ///< with their parentheses, of a factory; else empty
  static Callable parse(std::string_view name);

  /// Imports it; needs the GIL. `directory`: where its module is looked for first, for the sentence. Throws
  /// std::runtime_error with a sentence.
  Ref find(const std::string& directory) const;
};

}  // namespace corelab::wsgi
