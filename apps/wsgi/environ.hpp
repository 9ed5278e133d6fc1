// The environ of PEP 3333.
#pragma once

#include "apps/wsgi/python.hpp"

#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "common/http/message.hpp"

namespace corelab::wsgi {

/// What is the same for every request.
struct Surroundings {
  bool multithread = false;   ///< another thread of this process may call the application at the same time
  bool multiprocess = false;  ///< another process may
};

/// Makes environs in one interpreter; needs its GIL. Throws PythonError.
class Environ {
 public:
  explicit Environ(const Surroundings& around);

  /// A dict of its own for each request, with the body in wsgi.input.
  Ref of(const Request& request);

 private:
  void add_server(PyObject* environ, const Request& request);
  void add_headers(PyObject* environ, const Request& request);
  /// HTTP_ACCEPT_LANGUAGE for Accept-Language; null for a name that a client could pass off as another's.
  PyObject* key_of(std::string_view header);
  Ref input_of(const Request& request);
  void set(PyObject* environ, const Ref& key, std::string_view value);

  Ref fixed_;  // what every request's environ begins as
  Ref bytes_io_, open_;
  Ref request_method_, path_info_, query_string_, request_uri_, server_protocol_, remote_address_,
      remote_port_, input_, url_scheme_, server_name_, server_port_, content_type_, content_length_, host_;
  Ref https_;
  /// SERVER_NAME and SERVER_PORT of each socket that was asked.
  std::vector<std::tuple<const Endpoint*, Ref, Ref>> servers_;
  std::unordered_map<std::string, Ref> keys_;  // by header as sent: clients send few different ones
  std::string scratch_;
};

}  // namespace corelab::wsgi
