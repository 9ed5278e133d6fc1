#include "apps/wsgi/environ.hpp"

#include <fcntl.h>

#include <algorithm>
#include <functional>

#include "apps/wsgi/errors.hpp"
#include "common/app/router.hpp"
#include "common/http/grammar.hpp"
#include "common/net/fd.hpp"

namespace corelab::wsgi {

namespace {

// A client that sends ever new headers, or long ones, must not fill the memory.
constexpr std::size_t most_headers = 500;
constexpr std::size_t longest_remembered = 256;

Ref interned(const char* text) { return checked(PyUnicode_InternFromString(text)); }

void put(PyObject* dict, PyObject* key, PyObject* value) {
  if (PyDict_SetItem(dict, key, value) != 0) throw PythonError();
}

void put(PyObject* dict, const char* key, const Ref& value) { put(dict, interned(key).get(), value.get()); }

}  // namespace

Ref LastText::of(std::string_view bytes) {
  if (text_ && bytes == bytes_) return Ref::borrowed(text_.get());
  Ref text = latin1(bytes);
  if (bytes.size() > longest_remembered) return text;
  bytes_.assign(bytes);
  text_ = Ref::borrowed(text.get());
  return text;
}

Environ::Environ(const Surroundings& around)
    : request_method_(interned("REQUEST_METHOD")),
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
      https_(interned("https")),
      http_1_0_(interned("HTTP/1.0")),
      around_(around) {
  Ref io = checked(PyImport_ImportModule("io"));
  bytes_io_ = checked(PyObject_GetAttrString(io.get(), "BytesIO"));
  open_ = checked(PyObject_GetAttrString(io.get(), "open"));
  errors_ = checked(errors_stream().release());  // here, and not with the first requests: others would see it half made
}

PyObject* Environ::begun_for(const Endpoint* endpoint) {
  for (const auto& [of, begun] : begun_) {
    if (of == endpoint) return begun.get();
  }
  Ref begun = checked(PyDict_New());
  PyObject* dict = begun.get();
  put(dict, "SCRIPT_NAME", latin1(""));
  // PEP 3333 wants a name and a port, whatever was asked.
  put(dict, server_name_.get(), latin1(endpoint != nullptr ? endpoint->host : "localhost").get());
  put(dict, server_port_.get(), latin1(endpoint != nullptr ? endpoint->port : "80").get());
  // Those of most requests; the others' replace them.
  put(dict, request_method_.get(), latin1("GET").get());
  put(dict, server_protocol_.get(), latin1("HTTP/1.1").get());
  put(dict, url_scheme_.get(), latin1("http").get());
  put(dict, "SERVER_SOFTWARE", latin1("corelab"));
  put(dict, "GATEWAY_INTERFACE", latin1("CGI/1.1"));
  put(dict, "wsgi.version", checked(Py_BuildValue("(ii)", 1, 0)));
  put(dict, "wsgi.errors", errors_);
  put(dict, "wsgi.multithread", checked(PyBool_FromLong(around_.multithread)));
  put(dict, "wsgi.multiprocess", checked(PyBool_FromLong(around_.multiprocess)));
  put(dict, "wsgi.run_once", checked(PyBool_FromLong(0)));
  put(dict, "wsgi.input_terminated", checked(PyBool_FromLong(1)));  // reading it to its end is safe
  // Each request's own: room for them.
  for (const Ref* own : {&path_info_, &query_string_, &request_uri_, &remote_address_, &remote_port_, &input_}) {
    put(dict, own->get(), Py_None);
  }
  begun_.emplace_back(endpoint, std::move(begun));
  return begun_.back().second.get();
}

Ref Environ::of(const Request& request) {
  Ref environ = checked(PyDict_Copy(begun_for(request.endpoint)));
  PyObject* dict = environ.get();
  if (request.method != Method::get) {
    put(dict, request_method_.get(),
        method_.of(request.method_name.empty() ? to_string(request.method) : request.method_name).get());
  }
  const Target& target = target_of(request);
  put(dict, path_info_.get(), target.path.get());
  put(dict, query_string_.get(), target.query.get());
  put(dict, request_uri_.get(), target.uri.get());
  if (request.version_minor == 0) put(dict, server_protocol_.get(), http_1_0_.get());
  const Remote& remote = remote_of(request.peer);
  put(dict, remote_address_.get(), remote.address.get());
  put(dict, remote_port_.get(), remote.port.get());
  if (request.scheme == "https") put(dict, url_scheme_.get(), https_.get());
  if (request.authority_is_forwarded) add_forwarded(dict, request);
  add_headers(dict, request);
  put(dict, input_.get(), input_of(request).get());
  return environ;
}

const Environ::Target& Environ::target_of(const Request& request) {
  Target& target = targets_[std::hash<std::string_view>()(request.target) % targets_.size()];
  bool is_remembered = request.target.size() <= longest_remembered;
  if (is_remembered && target.uri && target.bytes == request.target) return target;
  target.bytes.assign(is_remembered ? request.target : std::string_view());  // (none is empty)
  target.uri = latin1(request.target);
  target.path = latin1(percent_decode(request.path, scratch_) ? scratch_ : request.path);
  target.query = latin1(request.query);
  return target;
}

const Environ::Remote& Environ::remote_of(const Peer& peer) {
  Remote& remote = remotes_[peer.port % remotes_.size()];
  if (remote.address && remote.peer == peer) return remote;
  remote.address = latin1(peer.address());
  remote.port = latin1(std::to_string(peer.port));
  remote.peer = peer;
  return remote;
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

// What a proxy was asked for, in the socket's place.
void Environ::add_forwarded(PyObject* dict, const Request& request) {
  std::string_view authority = request.authority;
  std::size_t end = authority.ends_with(']') ? authority.size() : std::min(authority.rfind(':'), authority.size());
  std::string_view port = authority.substr(std::min(end + 1, authority.size()));
  if (port.empty()) port = request.scheme == "https" ? "443" : "80";
  put(dict, server_name_.get(), latin1(authority.substr(0, end)).get());
  put(dict, server_port_.get(), latin1(port).get());
}

void Environ::add_headers(PyObject* dict, const Request& request) {
  bool is_chunked = false;
  for (const Field& field : request.fields) {
    // By length first: no field of a usual request is compared with more than one name.
    switch (field.name.size()) {
      case 4:
        if (equals_ignoring_case(field.name, "Host")) continue;  // below
        break;
      case 12:
        if (!equals_ignoring_case(field.name, "Content-Type")) break;
        put(dict, content_type_.get(), last_content_type_.of(field.value).get());
        continue;
      case 14:
        if (!equals_ignoring_case(field.name, "Content-Length")) break;
        put(dict, content_length_.get(), latin1(field.value).get());
        continue;
      case 17:
        if (!equals_ignoring_case(field.name, "Transfer-Encoding")) break;
        is_chunked = true;
        continue;
      default: break;
    }
    Header* header = header_of(field.name);
    if (header == nullptr) continue;
    Ref value = header->value.of(field.value);
    if (PyObject* before = PyDict_GetItemWithError(dict, header->key.get())) {
      const char* separator = equals_ignoring_case(field.name, "Cookie") ? "; " : ",";
      value = checked(PyUnicode_FromFormat("%U%s%U", before, separator, value.get()));
    }
    put(dict, header->key.get(), value.get());
  }
  // The body is here, unchunked: its length is known though the client did not say it.
  if (is_chunked) put(dict, content_length_.get(), latin1(std::to_string(request.body.size())).get());
  if (!request.authority.empty()) put(dict, host_.get(), last_host_.of(request.authority).get());
}

Environ::Header* Environ::header_of(std::string_view name) {
  scratch_.assign(name);
  if (auto known = headers_.find(scratch_); known != headers_.end()) return &known->second;
  // X_User would read as HTTP_X_USER, as X-User does: only a proxy's word for it may.
  if (name.find('_') != std::string_view::npos) return nullptr;
  std::string key = "HTTP_";
  for (char c : name) key += c == '-' ? '_' : grammar::upper(c);  // (toupper follows the locale, which the application may set)
  if (headers_.size() >= most_headers) headers_.clear();
  Header& header = headers_[scratch_];
  header.key = interned(key.c_str());
  return &header;
}

}  // namespace corelab::wsgi
