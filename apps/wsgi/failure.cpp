#include "apps/wsgi/failure.hpp"

#include "apps/wsgi/errors.hpp"

namespace corelab::wsgi {

namespace {

struct Exception {
  Ref type, value, trace;
};

Exception fetch() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  return {Ref(type), Ref(value), Ref(trace)};
}

std::string utf8(PyObject* text) {
  const char* bytes = text != nullptr ? PyUnicode_AsUTF8(text) : nullptr;
  if (bytes == nullptr) PyErr_Clear();
  return bytes != nullptr ? bytes : "?";
}

// " (FILE, line N)" of where it was raised; empty if Python does not say.
std::string place(PyObject* trace) {
  Ref last = Ref::borrowed(trace);
  while (last) {
    Ref next(PyObject_GetAttrString(last.get(), "tb_next"));
    if (!next || next.get() == Py_None) break;
    last = std::move(next);
  }
  if (!last) return {};
  Ref frame(PyObject_GetAttrString(last.get(), "tb_frame"));
  Ref code(frame ? PyObject_GetAttrString(frame.get(), "f_code") : nullptr);
  Ref file(code ? PyObject_GetAttrString(code.get(), "co_filename") : nullptr);
  Ref line(PyObject_GetAttrString(last.get(), "tb_lineno"));
  PyErr_Clear();
  if (!file || !line) return {};
  std::string name = utf8(file.get());
  if (name.starts_with("<frozen")) return {};  // the import machinery's own
  return " (" + name + ", line " + std::to_string(PyLong_AsLong(line.get())) + ")";
}

}  // namespace

void print_exception() {
  if (PyErr_Occurred() == nullptr) return;
  Exception raised = fetch();
  Ref traceback(PyImport_ImportModule("traceback"));
  Ref lines(traceback ? PyObject_CallMethod(traceback.get(), "format_exception", "OOO", raised.type.get(), raised.value.get(),
                                            raised.trace ? raised.trace.get() : Py_None)
                      : nullptr);
  Ref nothing(lines ? PyUnicode_FromString("") : nullptr);
  Ref text(nothing ? PyUnicode_Join(nothing.get(), lines.get()) : nullptr);
  Ref errors = text ? errors_stream() : Ref();
  if (errors && Ref(PyObject_CallMethod(errors.get(), "write", "O", text.get()))) return;
  PyErr_Clear();
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_DisplayException(raised.value.get());
#else
  PyErr_Display(raised.type.get(), raised.value.get(), raised.trace.get());
#endif
  PyErr_Clear();
}

std::string describe_stack(unsigned long thread) {
  constexpr int most_calls = 12;
  Ref sys(PyImport_ImportModule("sys"));
  Ref frames(sys ? PyObject_CallMethod(sys.get(), "_current_frames", nullptr) : nullptr);
  Ref id(PyLong_FromUnsignedLong(thread));
  PyObject* top = frames && id ? PyDict_GetItemWithError(frames.get(), id.get()) : nullptr;
  std::string stack;
  Ref frame = Ref::borrowed(top);
  for (int i = 0; i < most_calls && frame; ++i) {
    auto* of = reinterpret_cast<PyFrameObject*>(frame.get());
    Ref code(reinterpret_cast<PyObject*>(PyFrame_GetCode(of)));
    Ref file(PyObject_GetAttrString(code.get(), "co_filename")), name(PyObject_GetAttrString(code.get(), "co_name"));
    if (!file || !name) break;
    stack += (stack.empty() ? "" : " < ") + utf8(file.get()) + ", line " + std::to_string(PyFrame_GetLineNumber(of)) + ", in " +
             utf8(name.get());
    frame = Ref(reinterpret_cast<PyObject*>(PyFrame_GetBack(of)));
  }
  PyErr_Clear();
  return stack;
}

std::string describe_exception() {
  if (PyErr_Occurred() == nullptr) return "an unknown reason";
  Exception raised = fetch();
  std::string name = reinterpret_cast<PyTypeObject*>(raised.type.get())->tp_name;
  Ref text(PyObject_Str(raised.value.get()));
  std::string sentence = name;
  if (std::string what = utf8(text.get()); !what.empty()) sentence += ": " + what;
  for (char& c : sentence) {
    if (c == '\n') c = ' ';
  }
  return sentence + place(raised.trace.get());
}

}  // namespace corelab::wsgi
