#include "apps/wsgi/start_response.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <new>

#include "apps/wsgi/gil.hpp"
#include "common/http/grammar.hpp"

namespace corelab::wsgi {

namespace {

struct StartResponse {
  PyObject base;  // what PyObject_HEAD stands for
  Head head;
};

Head& head_in(PyObject* self) { return reinterpret_cast<StartResponse*>(self)->head; }

// The characters of a str, which must all be Latin-1; valid as long as it lives.
std::string_view characters(PyObject* text, const char* what) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "start_response: %s must be a str, not %s", what, Py_TYPE(text)->tp_name);
    throw PythonError();
  }
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) {  // which is how Python keeps all that are
    Ref never = checked(PyUnicode_AsLatin1String(text));
    throw PythonError();
  }
  return {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)), static_cast<std::size_t>(PyUnicode_GET_LENGTH(text))};
}

[[noreturn]] void refuse(const std::string& why) {
  PyErr_SetString(PyExc_ValueError, ("start_response: " + why).c_str());
  throw PythonError();
}

constexpr std::size_t longest_remembered = 64;  // name of a header
constexpr std::size_t longest_head = 256 * 1024;

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

void read_status(Head& head, PyObject* text) {
  std::string_view status = characters(text, "the status");
  if (status == "200 OK") {
    head.status = 200;
    head.reason = "OK";
    return;
  }
  bool has_code = status.size() >= 3 && std::all_of(status.begin(), status.begin() + 3, grammar::is_digit) &&
                  (status.size() == 3 || status[3] == ' ');
  if (!has_code || status < "200" || has_control_character(status)) {
    refuse("'" + std::string(status) + "' is no status such as '200 OK'");
  }
  std::from_chars(status.data(), status.data() + 3, head.status);
  head.reason = status.size() > 4 ? status.substr(4) : "";
}

std::size_t read_length(std::string_view value) {
  std::size_t length = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
    refuse("'" + std::string(value) + "' is no Content-Length");
  }
  return length;
}

void add_header(Head& head, PyObject* name_text, PyObject* value_text) {
  const HeaderNames::Name& name = head.names->of(name_text);
  std::string_view value = characters(value_text, "a header's value");
  if (has_control_character(value)) {
    refuse("the value of " + std::string(characters(name_text, "")) + " holds a control character");
  }
  if (head.reason.size() + head.lines.size() + name.line.size() + value.size() > longest_head) refuse("its head is longer than 256 KiB");
  switch (name.kind) {
    case HeaderNames::Kind::field: head.lines.append(name.line).append(value); break;
    case HeaderNames::Kind::content_length: head.content_length = read_length(value); break;
    case HeaderNames::Kind::servers_own: break;
  }
}

void read_headers(Head& head, PyObject* list) {
  if (!PyList_Check(list)) {
    PyErr_Format(PyExc_TypeError, "start_response: the headers must be a list, not %s",
                 Py_TYPE(list)->tp_name);
    throw PythonError();
  }
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    PyObject* pair = PyList_GET_ITEM(list, i);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
      PyErr_SetString(PyExc_TypeError, "start_response: each header must be a tuple of two str");
      throw PythonError();
    }
    add_header(head, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
  }
}

void start(Head& head, PyObject* status, PyObject* headers, PyObject* exc_info) {
  if (exc_info != nullptr && exc_info != Py_None) {
    if (head.is_sent) {
      PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
      if (!PyArg_ParseTuple(exc_info, "OOO:exc_info", &type, &value, &trace)) throw PythonError();
      PyErr_Restore(Py_NewRef(type), Py_NewRef(value), trace == Py_None ? nullptr : Py_NewRef(trace));
      throw PythonError();
    }
  } else if (head.status != 0) {
    PyErr_SetString(PyExc_AssertionError, "start_response was called twice without exc_info");
    throw PythonError();
  }
  Head anew;
  anew.names = head.names;
  anew.writer = head.writer;
  anew.to_head = head.to_head;
  read_status(anew, status);
  read_headers(anew, headers);
  head = std::move(anew);
}

// PEP 3333, "The write() Callable": what it is given is on its way when it returns.
PyObject* write(PyObject* self, PyObject* data) {
  if (!PyBytes_Check(data)) {
    PyErr_Format(PyExc_TypeError, "write takes bytes, not %s", Py_TYPE(data)->tp_name);
    return nullptr;
  }
  Head& head = head_in(self);
  if (head.writer == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "write was called when the application had returned its iterable");
    return nullptr;
  }
  std::string_view bytes(PyBytes_AS_STRING(data), static_cast<std::size_t>(PyBytes_GET_SIZE(data)));
  bool is_first = !std::exchange(head.is_sent, head.is_sent || !bytes.empty());
  head.written += bytes.size();
  if (bytes.empty() || head.has_no_body()) Py_RETURN_NONE;
  bool is_taken = false;
  {
    WithoutGil others_may_run;
    if (is_first) head.writer->begin(head.response(std::string_view()), head.content_length);
    is_taken = head.writer->write(bytes);
  }
  if (is_taken) Py_RETURN_NONE;
  head.client_has_left = true;
  PyErr_SetString(PyExc_BrokenPipeError, "the client has left");
  return nullptr;
}

PyMethodDef write_method = {"write", write, METH_O, "Sends bytes of the body ahead of the iterable's."};

PyObject* call(PyObject* self, PyObject* arguments, PyObject* keywords) {
  if (keywords != nullptr && PyDict_GET_SIZE(keywords) != 0) {
    PyErr_SetString(PyExc_TypeError, "start_response takes no keyword arguments");
    return nullptr;
  }
  PyObject *status = nullptr, *headers = nullptr, *exc_info = nullptr;
  if (!PyArg_UnpackTuple(arguments, "start_response", 2, 3, &status, &headers, &exc_info)) return nullptr;
  try {
    start(head_in(self), status, headers, exc_info);
  } catch (const PythonError&) {
    return nullptr;
  }
  return PyCFunction_New(&write_method, self);
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  head_in(self).~Head();
  type->tp_free(self);
  Py_DECREF(type);
}

}  // namespace

Ref make_start_response_type() {
  static PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(call)},
                                {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                                {0, nullptr}};
  static PyType_Spec spec = {"corelab.start_response", sizeof(StartResponse), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  return checked(PyType_FromSpec(&spec));
}

Ref make_start_response(PyObject* type, HeaderNames& names) {
  Ref made =
      checked(reinterpret_cast<PyTypeObject*>(type)->tp_alloc(reinterpret_cast<PyTypeObject*>(type), 0));
  new (&head_in(made.get())) Head;
  head_in(made.get()).names = &names;
  return made;
}

const HeaderNames::Name& HeaderNames::of(PyObject* text) {
  Name& known = names_[(reinterpret_cast<std::uintptr_t>(text) >> 4) % names_.size()];
  if (known.text.get() == text) return known;
  std::string_view name = characters(text, "a header's name");
  if (!grammar::is_token(name)) refuse("'" + std::string(name) + "' is no name of a header");
  // Hop-by-hop fields (RFC 2616 section 13.5.1) are the server's: PEP 3333 makes it an error to set them.
  for (std::string_view own : {"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailers",
                               "Transfer-Encoding", "Upgrade"}) {
    if (equals_ignoring_case(name, own)) {
      refuse(std::string(name) + " is a hop-by-hop header, which is the server's to send");
    }
  }
  bool is_worth_it = PyUnicode_CheckExact(text) && name.size() <= longest_remembered;
  Name& fresh = is_worth_it ? known : other_;
  fresh.text = Ref::borrowed(text);
  fresh.kind = equals_ignoring_case(name, "Content-Length") ? Kind::content_length
               : equals_ignoring_case(name, "Date") || equals_ignoring_case(name, "Server") ? Kind::servers_own
                                                                                             : Kind::field;
  fresh.line = "\r\n" + std::string(name) + ": ";
  return fresh;
}

Response Head::response(Response::Body body) {
  Response response(status, "", std::move(body));
  if (reason != reason_phrase(status)) response.reason(std::move(reason));
  response.checked_lines(std::move(lines));
  return response;
}

Head& head_of(PyObject* start_response) { return head_in(start_response); }

}  // namespace corelab::wsgi
