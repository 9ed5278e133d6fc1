#include "apps/wsgi/application.hpp"

#include <stdexcept>

#include "apps/wsgi/call.hpp"
#include "apps/wsgi/failure.hpp"
#include "apps/wsgi/start_response.hpp"

namespace corelab::wsgi {

Application::Application(const Callable& callable, const std::string& directory,
                         const Surroundings& around) try
    : callable_(callable.find(directory)),
      start_response_type_(make_start_response_type()),
      context_(checked(PyContext_CopyCurrent())),
      environ_(around) {
} catch (const PythonError&) {
  throw std::runtime_error("Python is not complete: " + describe_exception());
}

Response Application::call(const Request& request, Interpreters& interpreters) {
  try {
    Call call(interpreters, checked(PyContext_Copy(context_.get())), make_start_response(start_response_type_.get(), header_names_), request);
    return call.make(callable_.get(), environ_, request);
  } catch (const PythonError&) {  // out of memory
    print_exception();
    return text("the application failed\n", 500);
  }
}

}  // namespace corelab::wsgi
