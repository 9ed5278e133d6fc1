// What is said of Python exceptions.
#pragma once

#include <string>

#include "apps/wsgi/python.hpp"

namespace corelab::wsgi {

/// Prints the exception that is set to sys.stderr, with its trace, and clears it. Unlike PyErr_Print it ends
/// no process on SystemExit.
void print_exception();

/// The exception that is set as part of a sentence, "ZeroDivisionError: division by zero (app.py, line 3)",
/// and clears it.
std::string describe_exception();

/// What a thread of the calling thread's interpreter is at, the innermost call first, in one line; empty if it is not in
/// Python.
std::string describe_stack(unsigned long thread);

}  // namespace corelab::wsgi
