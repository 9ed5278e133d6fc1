// The environ of PEP 3333.
#pragma once

#include "apps/wsgi/python.hpp"

#include <array>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/http/message.hpp"

namespace corelab::wsgi {

/// What is the same for every request.
struct Surroundings {
  bool multithread = false;   ///< another thread of this process may call the application at the same time
  bool multiprocess = false;  ///< another process may
  bool on_main_thread = false;  ///< handlers run there (Server::serve_here)
};

/// The last text that was made into a str, because the next one is often the same (a Host, a User-Agent).
class LastText {
 public:
  /// Needs the GIL. Throws PythonError.
  Ref of(std::string_view bytes);

 private:
  std::string bytes_;
  Ref text_;
};

/// Makes environs in one interpreter; needs its GIL. Throws PythonError.
class Environ {
 public:
  explicit Environ(const Surroundings& around);

  /// A dict of its own for each request, with the body in wsgi.input.
  Ref of(const Request& request);

 private:
  // What several requests have in common, by where they would be found again. Bounded, whatever clients send.
  struct Target {
    std::string bytes;
    Ref uri, path, query;
  };
  struct Remote {
    Peer peer;
    Ref address, port;
  };
  struct Header {
    Ref key;
    LastText value;
  };

  PyObject* begun_for(const Endpoint* endpoint);
  const Target& target_of(const Request& request);
  const Remote& remote_of(const Peer& peer);
  /// HTTP_ACCEPT_LANGUAGE for Accept-Language; null for a name that a client could pass off as another's.
  Header* header_of(std::string_view name);
  void add_forwarded(PyObject* environ, const Request& request);
  void add_headers(PyObject* environ, const Request& request);
  Ref input_of(const Request& request);

  Ref bytes_io_, open_, errors_;
  Ref request_method_, path_info_, query_string_, request_uri_, server_protocol_, remote_address_,
      remote_port_, input_, url_scheme_, server_name_, server_port_, content_type_, content_length_, host_;
  Ref https_, http_1_0_;
  Surroundings around_;
  /// What an environ begins as, by the socket that was asked: all that is in every one of them, so that the dict is as
  /// large as it will be.
  std::vector<std::pair<const Endpoint*, Ref>> begun_;
  LastText method_, last_host_, last_content_type_;
  std::array<Target, 64> targets_;
  std::array<Remote, 64> remotes_;
  std::unordered_map<std::string, Header> headers_;  // by name as sent: clients send few different ones
  std::string scratch_;
};

}  // namespace corelab::wsgi
