#include "apps/wsgi/errors.hpp"

namespace corelab::wsgi {

namespace {

constexpr const char* module_name = "_corelab_errors";
constexpr const char* source = R"(
import sys

class Errors:
    def write(self, text):
        sys.stderr.write(text[:-1].replace("\n", "\n    ") + text[-1:])
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(sys.stderr, name)

stream = Errors()
)";

}  // namespace

Ref errors_stream() {
  Ref name = latin1(module_name);
  Ref module(PyImport_GetModule(name.get()));
  if (!module) {
    if (PyErr_Occurred() != nullptr) return Ref();
    module = Ref::borrowed(PyImport_AddModule(module_name));
    PyObject* names = module ? PyModule_GetDict(module.get()) : nullptr;
    Ref ran(names != nullptr ? PyRun_String(source, Py_file_input, names, names) : nullptr);
    if (!ran) return Ref();
  }
  return Ref(PyObject_GetAttrString(module.get(), "stream"));
}

}  // namespace corelab::wsgi
