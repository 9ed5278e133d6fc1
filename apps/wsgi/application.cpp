#include "apps/wsgi/application.hpp"

#include <stdexcept>

#include "apps/wsgi/body.hpp"
#include "apps/wsgi/failure.hpp"
#include "apps/wsgi/start_response.hpp"

namespace corelab::wsgi {

namespace {

constexpr std::size_t most_gathered = 64 << 20;

Response failed() { return text("the application failed\n", 500); }

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

Ref find(const Callable& wanted, const std::string& directory) {
  Ref found = import(wanted.module, directory);
  std::string_view rest = wanted.attribute;
  while (!rest.empty()) {
    std::string name(rest.substr(0, rest.find('.')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    found = Ref(PyObject_GetAttrString(found.get(), name.c_str()));
    if (!found) {
      PyErr_Clear();
      cannot("the module '" + wanted.module + "' has no '" + wanted.attribute + "'");
    }
  }
  if (wanted.is_factory) {
    found = Ref(PyCallable_Check(found.get()) != 0 ? PyObject_CallNoArgs(found.get()) : nullptr);
    if (!found)
      cannot("'" + wanted.attribute + "()' of module '" + wanted.module +
             "' failed: " + describe_exception());
  }
  if (PyCallable_Check(found.get()) == 0) {
    cannot("'" + wanted.attribute + "' of module '" + wanted.module +
           "' cannot be called: it is no WSGI application");
  }
  return found;
}

Response answer(Head& head, Response::Body body) {
  Response response(head.status, "", std::move(body));
  if (head.reason != reason_phrase(head.status)) response.reason(std::move(head.reason));
  for (auto& [name, value] : head.headers) response.header(std::move(name), std::move(value));
  return response;
}

// Of HEAD: the length that GET would send, and no body. The same where the status has none.
class LengthAlone final : public BodySource {
 public:
  explicit LengthAlone(std::optional<std::size_t> length) : length_(length) {}
  std::size_t pull(std::span<char>) override { return 0; }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::optional<std::size_t> length_;
};

void append(std::string& gathered, const Ref& block) {
  gathered.append(PyBytes_AS_STRING(block.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(block.get())));
}

[[noreturn]] void raise(PyObject* type, const char* what) {
  PyErr_SetString(type, what);
  throw PythonError();
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

Application::Application(const Callable& callable, const std::string& directory,
                         const Surroundings& around) try
    : callable_(find(callable, directory)),
      start_response_type_(make_start_response_type()),
      environ_(around) {
} catch (const PythonError&) {
  throw std::runtime_error("Python is not complete: " + describe_exception());
}

Response Application::call(const Request& request, Interpreters& interpreters, bool streams) {
  try {
    Ref start_response = make_start_response(start_response_type_.get());
    Head& head = head_of(start_response.get());
    Ref environ = environ_.of(request);
    PyObject* arguments[] = {environ.get(), start_response.get()};
    Blocks blocks(checked(PyObject_Vectorcall(callable_.get(), arguments, 2, nullptr)));
    bool is_one = blocks.has_one_block();

    // Up to the first block the application may still change its mind about the head.
    Ref block = blocks.next();
    if (head.status == 0)
      raise(PyExc_AssertionError, "the application gave a body before it called start_response");
    head.is_sent = true;
    std::optional<std::size_t> length = head.content_length;
    std::string body = std::move(head.written);
    if (block) append(body, block);

    if (request.method == Method::head || head.status == 204 || head.status == 304) {
      if (is_one || !block) length = length ? length : std::optional(body.size());
      blocks.close();
      if (body.empty() && !head.content_length) length.reset();
      return answer(head, std::make_unique<LengthAlone>(length));
    }
    bool ends = !block || is_one || (length && body.size() >= *length);
    if (!ends && streams) {
      return answer(head,
                    std::make_unique<StreamedBody>(interpreters, std::move(blocks), std::move(body), length));
    }
    while (!ends && (block = blocks.next())) {
      append(body, block);
      if (body.size() > most_gathered)
        raise(PyExc_MemoryError, "the answer is too long to be gathered (--gil own)");
    }
    blocks.close();
    if (length && body.size() > *length) body.resize(*length);  // the client has been promised no more
    if (length && body.size() < *length) {
      // Less than was promised: what there is goes out, and a close tells the client.
      return answer(head, std::make_unique<StreamedBody>(interpreters, Blocks(checked(PyTuple_New(0))),
                                                         std::move(body), length));
    }
    return answer(head, std::move(body));
  } catch (const PythonError&) {
    print_exception();
    return failed();
  }
}

}  // namespace corelab::wsgi
