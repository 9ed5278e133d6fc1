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

// What a factory with these arguments gives. As gunicorn takes them: literals, positional and named.
Ref call(const Ref& factory, const std::string& arguments) {
  Ref ast = checked(PyImport_ImportModule("ast"));
  Ref expression(PyObject_CallMethod(ast.get(), "parse", "sss", ("f" + arguments).c_str(), "--app", "eval"));
  Ref node(expression ? PyObject_GetAttrString(expression.get(), "body") : nullptr);
  Ref positional(node ? PyObject_GetAttrString(node.get(), "args") : nullptr);
  Ref named(node ? PyObject_GetAttrString(node.get(), "keywords") : nullptr);
  if (!positional || !named) throw PythonError();
  auto literal = [&ast](PyObject* of) { return checked(PyObject_CallMethod(ast.get(), "literal_eval", "O", of)); };
  Ref values = checked(PyTuple_New(PyList_Size(positional.get())));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values.get()); ++i) {
    PyTuple_SET_ITEM(values.get(), i, literal(PyList_GET_ITEM(positional.get(), i)).release());
  }
  Ref by_name = checked(PyDict_New());
  for (Py_ssize_t i = 0; i < PyList_Size(named.get()); ++i) {
    Ref name = checked(PyObject_GetAttrString(PyList_GET_ITEM(named.get(), i), "arg"));
    Ref value = checked(PyObject_GetAttrString(PyList_GET_ITEM(named.get(), i), "value"));
    if (PyDict_SetItem(by_name.get(), name.get(), literal(value.get()).get()) != 0) throw PythonError();
  }
  return checked(PyObject_Call(factory.get(), values.get(), by_name.get()));
}

// Can it be called with so many positional arguments? True also where Python cannot tell.
bool takes(const Ref& callable, int arguments) {
  Ref inspect(PyImport_ImportModule("inspect"));
  Ref signature(inspect ? PyObject_CallMethod(inspect.get(), "signature", "O", callable.get()) : nullptr);
  if (!signature) {
    PyErr_Clear();
    return true;
  }
  Ref bound(arguments == 0 ? PyObject_CallMethod(signature.get(), "bind", nullptr)
                           : PyObject_CallMethod(signature.get(), "bind", "OO", Py_None, Py_None));
  PyErr_Clear();
  return static_cast<bool>(bound);
}

}  // namespace

Callable Callable::parse(std::string_view name) {
  std::size_t colon = name.find(':');
  Callable callable{std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
  std::size_t parenthesis = callable.attribute.find('(');
  if (parenthesis != std::string::npos) {
    callable.arguments = callable.attribute.substr(parenthesis);
    callable.attribute.resize(parenthesis);
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
  const std::string named = "'" + attribute + "' of module '" + module + "'";
  if (!arguments.empty()) {
    try {
      found = call(found, arguments);
    } catch (const PythonError&) {
      cannot("'" + attribute + arguments + "' of module '" + module + "' failed: " + describe_exception());
    }
  }
  if (PyCallable_Check(found.get()) == 0) cannot(named + " cannot be called: it is no WSGI application");
  if (arguments.empty() && !takes(found, 2)) {
    cannot(named + " does not take (environ, start_response): it is no WSGI application" +
           (takes(found, 0) ? "; did you mean " + attribute + "()?" : ""));
  }
  return found;
}

}  // namespace corelab::wsgi
