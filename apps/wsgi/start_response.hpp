// PEP 3333's start_response, as a Python object of our own.
#pragma once

#include "apps/wsgi/python.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/http/message.hpp"

namespace corelab::wsgi {

/// What the application has said of its answer so far.
struct Head {
  int status = 0;  ///< 0: nothing yet
  std::string reason;
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< without Content-Length, and what the server writes
  std::optional<std::size_t> content_length;
  std::string written;   ///< by the callable that start_response returns
  bool is_sent = false;  ///< too late for another one
};

/// The Python type of an interpreter; once each. Throws PythonError.
Ref make_start_response_type();

/// A new start_response; head() of it is valid as long as it lives.
Ref make_start_response(PyObject* type);
Head& head_of(PyObject* start_response);

}  // namespace corelab::wsgi
