// A WSGI application in one interpreter: a request becomes a call, what it returns becomes a response (PEP
// 3333).
#pragma once

#include "apps/wsgi/python.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "apps/wsgi/environ.hpp"
#include "common/http/message.hpp"

namespace corelab::wsgi {

class Interpreters;

/// What `wsgi:MODULE:CALLABLE` names. CALLABLE may be dotted; with `()` behind it, it is called for the
/// application.
struct Callable {
  std::string module, attribute;
  bool is_factory = false;
  static Callable parse(std::string_view name);
};

/// All of it needs the GIL of its interpreter.
class Application {
 public:
  /// Imports it. Throws std::runtime_error with a sentence.
  Application(const Callable& callable, const std::string& directory, const Surroundings& around);

  /// Calls it. An exception of its own becomes a 500, its trace goes to sys.stderr. `streams`: a body that
  /// does not end with its first block is pulled, block by block, while the client takes it; else it is
  /// gathered here.
  Response call(const Request& request, Interpreters& interpreters, bool streams);

 private:
  Ref callable_, start_response_type_;
  Environ environ_;
};

}  // namespace corelab::wsgi
