#include "apps/wsgi/body.hpp"

#include <algorithm>
#include <stdexcept>

#include "apps/wsgi/failure.hpp"
#include "apps/wsgi/gil.hpp"

namespace corelab::wsgi {

Blocks::Blocks(Ref result) : result_(std::move(result)) {
  iterator_ = Ref(PyObject_GetIter(result_.get()));
  if (!iterator_) {
    close();
    throw PythonError();
  }
}

bool Blocks::is_sequence() const {
  return PyList_CheckExact(result_.get()) || PyTuple_CheckExact(result_.get());
}

bool Blocks::has_one_block() const { return is_sequence() && Py_SIZE(result_.get()) <= 1; }

Ref Blocks::next() {
  while (iterator_) {
    Ref block(PyIter_Next(iterator_.get()));
    if (!block) {
      if (PyErr_Occurred() != nullptr) throw PythonError();
      iterator_ = Ref();
    } else if (!PyBytes_Check(block.get())) {
      PyErr_Format(PyExc_TypeError, "the application's iterable must give bytes, not %s",
                   Py_TYPE(block.get())->tp_name);
      throw PythonError();
    } else if (PyBytes_GET_SIZE(block.get()) > 0) {
      return block;
    }
  }
  return {};
}

void Blocks::close() {
  if (!result_) return;
  if (is_sequence()) {  // these have no close()
    iterator_ = Ref();
    result_ = Ref();
    return;
  }
  // Whatever is being raised meanwhile waits.
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  iterator_ = Ref();
  Ref result = std::move(result_);
  result_ = Ref();
  if (Ref close{PyObject_GetAttrString(result.get(), "close")}) {
    Ref ignored(PyObject_CallNoArgs(close.get()));
    if (!ignored) print_exception();
  }
  PyErr_Clear();
  PyErr_Restore(type, value, trace);
}

StreamedBody::~StreamedBody() {
  if (!blocks_) return;
  Gil gil(interpreters_);  // the client left before the end
  blocks_.reset();
}

std::size_t StreamedBody::pull(std::span<char> into) {
  if (given_ == ready_.size() && blocks_) {
    Gil gil(interpreters_);
    given_ = 0;
    ready_.clear();
    try {
      Ref block = blocks_->next();
      if (block) {
        ready_.assign(PyBytes_AS_STRING(block.get()),
                      static_cast<std::size_t>(PyBytes_GET_SIZE(block.get())));
        got_ += ready_.size();
      }
      // Closed here, where it may take its time, and not on the loop that drops a complete answer.
      if (!block || (length_ && got_ >= *length_)) blocks_.reset();
    } catch (const PythonError&) {
      print_exception();
      blocks_.reset();
      throw std::runtime_error("the application failed in the middle of its answer");
    }
  }
  std::size_t n = std::min(into.size(), ready_.size() - given_);
  std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(given_), n, into.begin());
  given_ += n;
  return n;
}

}  // namespace corelab::wsgi
