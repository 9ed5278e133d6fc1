// wsgi.errors (PEP 3333): where an application and its exceptions write to.
#pragma once

#include "apps/wsgi/python.hpp"

namespace corelab::wsgi {

/// Of the calling thread's interpreter: sys.stderr, but that a text's second line and those behind it are indented. What a
/// client has sent, and the application quotes, cannot pass for a line of the log. A new reference, or null with an exception.
/// The first call of an interpreter, which makes it, must be over before another is made.
Ref errors_stream();

}  // namespace corelab::wsgi
