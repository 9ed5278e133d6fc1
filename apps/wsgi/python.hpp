// Python's C API, and the little that makes it bearable in C++.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>  // before any other header, as its documentation asks

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace corelab::wsgi {

/// An owned reference. Needs the GIL wherever it drops one.
class Ref {
 public:
  Ref() = default;
  /// Takes a new reference over (what the C API returns), or null after an error.
  explicit Ref(PyObject* owned) : object_(owned) {}
  static Ref borrowed(PyObject* object) { return Ref(Py_XNewRef(object)); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

/// A Python exception is set; whoever catches this prints or clears it.
struct PythonError : std::runtime_error {
  PythonError() : std::runtime_error("a Python exception") {}
};

inline Ref checked(PyObject* owned) {
  if (owned == nullptr) throw PythonError();
  return Ref(owned);
}

/// While it lives, the calling thread is in `context`, a contextvars.Context that no thread is in (PEP 567).
class InContext {
 public:
  explicit InContext(const Ref& context) : context_(context.get()) {
    if (PyContext_Enter(context_) != 0) throw PythonError();
  }
  ~InContext() { PyContext_Exit(context_); }
  InContext(const InContext&) = delete;

 private:
  PyObject* context_;
};

/// PEP 3333's "native string": bytes as the code points of Latin-1.
inline Ref latin1(std::string_view bytes) {
  return checked(PyUnicode_DecodeLatin1(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
}

}  // namespace corelab::wsgi
