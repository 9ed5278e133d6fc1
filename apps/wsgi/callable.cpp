#include "apps/wsgi/callable.hpp"

#include <stdexcept>

#include "apps/wsgi/failure.hpp"

namespace corelab::wsgi {

namespace {

[[noreturn]] void cannot(const std::string& sentence) { throw std::runtime_error("--app: " + sentence); }

Ref import(const std::string& module, const std::string& directory) {
  Ref imported(PyImport_ImportModule(module.c_str()));
  if (imported) return imported;
  if (PyErr_ExceptionMatches(PyExc_ModuleNotFoundError) != 0) {
    std::string reason = describe_exception();
    if (reason.find("'" + module + "'") != std::string::npos) {
      cannot("there is no module '" + module + "' in " + directory +
             " or on Python's path (--app-dir, --virtualenv)");
    }
    cannot("the module '" + module + "' cannot be imported: " + reason);
  }
  cannot("the module '" + module + "' cannot be imported: " + describe_exception());
}

}  // namespace

Callable Callable::parse(std::string_view name) {
  std::size_t colon = name.find(':');
  Callable callable{std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
  if (callable.attribute.ends_with("()")) {
    callable.attribute.resize(callable.attribute.size() - 2);
    callable.is_factory = true;
  }
  return callable;
}

Ref Callable::find(const std::string& directory) const {
  Ref found = import(module, directory);
  std::string_view rest = attribute;
  while (!rest.empty()) {
    std::string name(rest.substr(0, rest.find('.')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    found = Ref(PyObject_GetAttrString(found.get(), name.c_str()));
    if (!found) {
      PyErr_Clear();
      cannot("the module '" + module + "' has no '" + attribute + "'");
    }
  }
  if (is_factory) {
    found = Ref(PyCallable_Check(found.get()) != 0 ? PyObject_CallNoArgs(found.get()) : nullptr);
    if (!found)
      cannot("'" + attribute + "()' of module '" + module +
             "' failed: " + describe_exception());
  }
  if (PyCallable_Check(found.get()) == 0) {
    cannot("'" + attribute + "' of module '" + module +
           "' cannot be called: it is no WSGI application");
  }
  return found;
}

}  // namespace corelab::wsgi
