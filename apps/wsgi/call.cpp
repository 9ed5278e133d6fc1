#include "apps/wsgi/call.hpp"

#include <stdexcept>

#include "apps/wsgi/failure.hpp"
#include "apps/wsgi/gil.hpp"
#include "apps/wsgi/start_response.hpp"

namespace corelab::wsgi {

namespace {

// Of HEAD: the length that GET would send, and no body. The same where the status has none.
class LengthAlone final : public BodySource {
 public:
  explicit LengthAlone(std::optional<std::size_t> length) : length_(length) {}
  std::size_t pull(std::span<char>) override { return 0; }
  std::optional<std::size_t> length() const override { return length_; }

 private:
  std::optional<std::size_t> length_;
};

std::string_view bytes_of(const Ref& block) {
  return block ? std::string_view(PyBytes_AS_STRING(block.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(block.get())))
               : std::string_view();
}

}  // namespace

Call::Call(Interpreters& interpreters, Ref context, Ref start_response, const Request& request)
    : interpreters_(&interpreters), context_(std::move(context)), start_response_(std::move(start_response)) {
  head().writer = request.writer;
  head().to_head = request.method == Method::head;
}

Call::~Call() {
  if (!start_response_) return;  // moved from, or ended
  Gil gil(*interpreters_);
  head().writer = nullptr;
  if (blocks_) {
    InContext in(context_);
    blocks_.reset();
  }
  start_response_ = Ref();
  context_ = Ref();
}

Head& Call::head() const { return head_of(start_response_.get()); }

Response Call::make(PyObject* callable, Environ& environ, const Request& request) {
  std::optional<Response> answer;
  try {
    InContext in(context_);
    Ref variables = environ.of(request);
    PyObject* arguments[] = {variables.get(), start_response_.get()};
    blocks_.emplace(checked(PyObject_Vectorcall(callable, arguments, 2, nullptr)));
    answer = first_block();
  } catch (const PythonError&) {
    return fail();
  }
  return answer ? std::move(*answer) : Response(std::make_unique<Call>(std::move(*this)));
}

std::optional<Response> Call::ask() {
  Gil gil(*interpreters_);
  try {
    InContext in(context_);
    return first_block();
  } catch (const PythonError&) {
    return fail();
  }
}

std::optional<Response> Call::first_block() {
  Ref block = blocks_->next();
  if (block && bytes_of(block).empty() && !head().is_sent && !blocks_->has_one_block()) return std::nullopt;
  if (head().status == 0) {
    PyErr_SetString(PyExc_AssertionError, "the application gave a body before it called start_response");
    throw PythonError();
  }
  return answer(std::move(block));
}

// With the first block that is not empty, or none at the end.
Response Call::answer(Ref block) {
  bool is_begun = std::exchange(head().is_sent, true);
  head().writer = nullptr;
  bool is_one = blocks_->has_one_block();
  std::optional<std::size_t> length = head().content_length;
  std::size_t got = head().written + bytes_of(block).size();
  bool ends = !block || is_one || (length && got >= *length);
  if (head().has_no_body()) {
    if (ends) length = length ? length : std::optional(got);
    blocks_->close();
    if (got == 0 && !head().content_length) length.reset();
    return head().response(std::make_unique<LengthAlone>(length));
  }
  if (ends && (is_begun ? !block : got >= length.value_or(0))) {
    blocks_->close();
    // The client has been promised no more than its length.
    return head().response(std::string(bytes_of(block).substr(0, length.value_or(std::string_view::npos))));
  }
  // (Of one that ends short of what was promised what there is goes out, and a close tells the client.)
  Response response = head().response(std::string_view());
  response.body() = std::make_unique<StreamedBody>(*interpreters_, Ref::borrowed(context_.get()), std::move(*blocks_),
                                                   std::move(block), length);
  blocks_.reset();
  return response;
}

Response Call::fail() {
  bool is_begun = head().is_sent;
  head().writer = nullptr;
  if (head().client_has_left) {
    PyErr_Clear();  // its own way of saying so
  } else {
    print_exception();
  }
  if (is_begun) throw std::runtime_error("the application failed in the middle of its answer");
  return text("the application failed\n", 500);
}

}  // namespace corelab::wsgi
