// A WSGI application in one interpreter: a request becomes a call, what it returns becomes a response (PEP
// 3333).
#pragma once

#include "apps/wsgi/python.hpp"

#include <string>

#include "apps/wsgi/callable.hpp"
#include "apps/wsgi/environ.hpp"
#include "apps/wsgi/start_response.hpp"
#include "common/http/message.hpp"

namespace corelab::wsgi {

class Interpreters;

/// All of it needs the GIL of its interpreter.
class Application {
 public:
  /// Imports it. Throws std::runtime_error with a sentence.
  Application(const Callable& callable, const std::string& directory, const Surroundings& around);

  /// Calls it, in a context of its own. What it answers, see Call::response().
  Response call(const Request& request, Interpreters& interpreters);

 private:
  Ref callable_, start_response_type_;
  Ref context_;  // as the import has left it: what each request's context begins as
  Environ environ_;
  HeaderNames header_names_;
};

}  // namespace corelab::wsgi
