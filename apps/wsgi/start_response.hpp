// PEP 3333's start_response, as a Python object of our own.
#pragma once

#include "apps/wsgi/python.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "common/http/message.hpp"

namespace corelab::wsgi {

/// Names of headers that were checked before, by the str that they are: applications use the same literals again and
/// again. Needs the GIL.
class HeaderNames {
 public:
  enum class Kind { field, content_length, servers_own };
  struct Name {
    Ref text;
    Kind kind = Kind::field;
    std::string line;  ///< "\r\nName: "
  };
  /// Throws PythonError for what is no name of a header, or the server's to send.
  const Name& of(PyObject* text);

 private:
  std::array<Name, 64> names_;
  Name other_;  // one that is not worth remembering
};

/// What the application has said of its answer so far, and the way out for what it writes.
struct Head {
  int status = 0;  ///< 0: nothing yet
  std::string reason;
  std::string lines;  ///< headers without Content-Length, and what the server writes, each as "\r\nName: value"
  std::optional<std::size_t> content_length;
  bool is_sent = false;  ///< too late for another one

  HeaderNames* names = nullptr;
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
Ref make_start_response(PyObject* type, HeaderNames& names);
Head& head_of(PyObject* start_response);

}  // namespace corelab::wsgi
