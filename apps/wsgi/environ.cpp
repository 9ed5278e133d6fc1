#include "apps/wsgi/environ.hpp"

#include <fcntl.h>

#include <algorithm>

#include "common/app/router.hpp"
#include "common/http/grammar.hpp"
#include "common/net/fd.hpp"

namespace corelab::wsgi {

namespace {

// A client that sends ever new headers must not fill the memory.
constexpr std::size_t most_keys = 500;

Ref interned(const char* text) { return checked(PyUnicode_InternFromString(text)); }

void put(PyObject* dict, PyObject* key, PyObject* value) {
  if (PyDict_SetItem(dict, key, value) != 0) throw PythonError();
}

void put(PyObject* dict, const char* key, const Ref& value) { put(dict, interned(key).get(), value.get()); }

}  // namespace

Environ::Environ(const Surroundings& around)
    : fixed_(checked(PyDict_New())),
      request_method_(interned("REQUEST_METHOD")),
      path_info_(interned("PATH_INFO")),
      query_string_(interned("QUERY_STRING")),
      request_uri_(interned("REQUEST_URI")),
      server_protocol_(interned("SERVER_PROTOCOL")),
      remote_address_(interned("REMOTE_ADDR")),
      remote_port_(interned("REMOTE_PORT")),
      input_(interned("wsgi.input")),
      url_scheme_(interned("wsgi.url_scheme")),
      server_name_(interned("SERVER_NAME")),
      server_port_(interned("SERVER_PORT")),
      content_type_(interned("CONTENT_TYPE")),
      content_length_(interned("CONTENT_LENGTH")),
      host_(interned("HTTP_HOST")),
      https_(interned("https")) {
  Ref io = checked(PyImport_ImportModule("io"));
  bytes_io_ = checked(PyObject_GetAttrString(io.get(), "BytesIO"));
  open_ = checked(PyObject_GetAttrString(io.get(), "open"));
  PyObject* fixed = fixed_.get();
  put(fixed, "SCRIPT_NAME", latin1(""));
  // Those of most requests; the others' replace them.
  put(fixed, "REQUEST_METHOD", latin1("GET"));
  put(fixed, "QUERY_STRING", latin1(""));
  put(fixed, "SERVER_PROTOCOL", latin1("HTTP/1.1"));
  put(fixed, "SERVER_SOFTWARE", latin1("corelab"));
  put(fixed, "GATEWAY_INTERFACE", latin1("CGI/1.1"));
  put(fixed, "wsgi.version", checked(Py_BuildValue("(ii)", 1, 0)));
  put(fixed, "wsgi.url_scheme", latin1("http"));
  put(fixed, "wsgi.errors", Ref::borrowed(PySys_GetObject("stderr")));
  put(fixed, "wsgi.multithread", checked(PyBool_FromLong(around.multithread)));
  put(fixed, "wsgi.multiprocess", checked(PyBool_FromLong(around.multiprocess)));
  put(fixed, "wsgi.run_once", checked(PyBool_FromLong(0)));
  put(fixed, "wsgi.input_terminated", checked(PyBool_FromLong(1)));  // reading it to its end is safe
}

void Environ::set(PyObject* environ, const Ref& key, std::string_view value) {
  put(environ, key.get(), latin1(value).get());
}

Ref Environ::of(const Request& request) {
  Ref environ = checked(PyDict_Copy(fixed_.get()));
  PyObject* dict = environ.get();
  if (request.method != Method::get)
    set(dict, request_method_, request.method_name.empty() ? to_string(request.method) : request.method_name);
  set(dict, path_info_, percent_decode(request.path, scratch_) ? scratch_ : request.path);
  if (!request.query.empty()) set(dict, query_string_, request.query);
  set(dict, request_uri_, request.target);
  if (request.version_minor == 0) set(dict, server_protocol_, "HTTP/1.0");
  set(dict, remote_address_, request.peer.address());
  set(dict, remote_port_, std::to_string(request.peer.port));
  add_server(dict, request);
  add_headers(dict, request);
  put(dict, input_.get(), input_of(request).get());
  return environ;
}

// A file of the application's own, if the body is in one.
Ref Environ::input_of(const Request& request) {
  if (request.body.file() >= 0) {
    Fd own(fcntl(request.body.file(), F_DUPFD_CLOEXEC, 0));
    if (!own) {
      PyErr_SetFromErrno(PyExc_OSError);
      throw PythonError();
    }
    Ref file = checked(PyObject_CallFunction(open_.get(), "is", own.get(), "rb"));
    own.release();
    return file;
  }
  std::string_view body = request.body.rest();
  Ref bytes = checked(PyBytes_FromStringAndSize(body.data(), static_cast<Py_ssize_t>(body.size())));
  return checked(PyObject_CallOneArg(bytes_io_.get(), bytes.get()));
}

// PEP 3333 wants a name and a port, whatever was asked.
void Environ::add_server(PyObject* dict, const Request& request) {
  if (request.scheme == "https") put(dict, url_scheme_.get(), https_.get());
  if (request.authority_is_forwarded) {
    std::string_view authority = request.authority;
    std::size_t end = authority.ends_with(']') ? authority.size() : std::min(authority.rfind(':'), authority.size());
    std::string_view port = authority.substr(std::min(end + 1, authority.size()));
    set(dict, server_name_, authority.substr(0, end));
    set(dict, server_port_, !port.empty() ? port : request.scheme == "https" ? "443" : "80");
    return;
  }
  auto known = std::find_if(servers_.begin(), servers_.end(),
                            [&request](const auto& server) { return std::get<0>(server) == request.endpoint; });
  if (known == servers_.end()) {
    const Endpoint* endpoint = request.endpoint;
    known = servers_.emplace(servers_.end(), endpoint, latin1(endpoint != nullptr ? endpoint->host : "localhost"),
                             latin1(endpoint != nullptr ? endpoint->port : "80"));
  }
  put(dict, server_name_.get(), std::get<1>(*known).get());
  put(dict, server_port_.get(), std::get<2>(*known).get());
}

void Environ::add_headers(PyObject* dict, const Request& request) {
  bool is_chunked = false;
  for (const Field& field : request.fields) {
    if (equals_ignoring_case(field.name, "Content-Type")) {
      set(dict, content_type_, field.value);
      continue;
    }
    if (equals_ignoring_case(field.name, "Content-Length")) {
      set(dict, content_length_, field.value);
      continue;
    }
    if (equals_ignoring_case(field.name, "Transfer-Encoding")) {
      is_chunked = true;
      continue;
    }
    PyObject* key = key_of(field.name);
    if (key == nullptr) continue;
    Ref value = latin1(field.value);
    if (PyObject* before = PyDict_GetItemWithError(dict, key)) {
      const char* separator = equals_ignoring_case(field.name, "Cookie") ? "; " : ",";
      value = checked(PyUnicode_FromFormat("%U%s%U", before, separator, value.get()));
    }
    put(dict, key, value.get());
  }
  // The body is here, unchunked: its length is known though the client did not say it.
  if (is_chunked) set(dict, content_length_, std::to_string(request.body.size()));
  if (!request.authority.empty()) set(dict, host_, request.authority);
}

PyObject* Environ::key_of(std::string_view header) {
  scratch_.assign(header);
  if (auto known = keys_.find(scratch_); known != keys_.end()) return known->second.get();
  // X_User would read as HTTP_X_USER, as X-User does: only a proxy's word for it may.
  if (header.find('_') != std::string_view::npos) return nullptr;
  std::string name = "HTTP_";
  for (char c : header)
    name += c == '-' ? '_' : grammar::upper(c);  // (toupper follows the locale, which the application may set)
  if (keys_.size() >= most_keys) keys_.clear();
  return keys_.emplace(scratch_, interned(name.c_str())).first->second.get();
}

}  // namespace corelab::wsgi
