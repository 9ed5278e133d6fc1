// PEP 3333's start_response, as a Python object of our own.
#pragma once

#include "apps/wsgi/python.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/http/message.hpp"

namespace corelab::wsgi {

/// What the application has said of its answer so far, and the way out for what it writes.
struct Head {
  int status = 0;  ///< 0: nothing yet
  std::string reason;
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< without Content-Length, and what the server writes
  std::optional<std::size_t> content_length;
  bool is_sent = false;  ///< too late for another one

  AnswerWriter* writer = nullptr;  ///< of `write`; null when the call is over
  bool to_head = false;            ///< the request is a HEAD
  std::size_t written = 0;         ///< bytes, sent or not
  bool client_has_left = false;    ///< found out by `write`

  bool has_no_body() const { return to_head || status == 204 || status == 304; }
  /// Its headers are moved into it: once.
  Response response(Response::Body body);
};

/// The Python type of an interpreter; once each. Throws PythonError.
Ref make_start_response_type();

/// A new start_response; head() of it is valid as long as it lives.
Ref make_start_response(PyObject* type);
Head& head_of(PyObject* start_response);

}  // namespace corelab::wsgi
