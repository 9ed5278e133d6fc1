#include "apps/wsgi/body.hpp"

#include <algorithm>
#include <cstring>
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
  if (!iterator_) return {};
  Ref block(PyIter_Next(iterator_.get()));
  if (!block) {
    if (PyErr_Occurred() != nullptr) throw PythonError();
    iterator_ = Ref();
  } else if (!PyBytes_Check(block.get())) {
    PyErr_Format(PyExc_TypeError, "the application's iterable must give bytes, not %s",
                 Py_TYPE(block.get())->tp_name);
    throw PythonError();
  }
  return block;
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
  Gil gil(interpreters_);
  end();  // the client left before
  block_ = Ref();
  context_ = Ref();
}

std::size_t StreamedBody::pull(std::span<char> into) {
  if (given_ == size()) {
    if (!blocks_) return 0;
    take_next();
    if (blocks_ && size() == 0) return nothing_yet;
  }
  std::size_t n = std::min(into.size(), size() - given_);
  if (n != 0) std::memcpy(into.data(), PyBytes_AS_STRING(block_.get()) + given_, n);
  given_ += n;
  return n;
}

void StreamedBody::take_next() {
  Gil gil(interpreters_);
  given_ = 0;
  try {
    {
      InContext in(context_);
      block_ = blocks_->next();
    }
    got_ += size();
    // Closed here, where it may take its time, and not when a complete answer is dropped.
    if (!block_ || (length_ && got_ >= *length_)) end();
  } catch (const PythonError&) {
    print_exception();
    end();
    block_ = Ref();
    throw std::runtime_error("the application failed in the middle of its answer");
  }
}

void StreamedBody::end() {
  if (!blocks_) return;
  InContext in(context_);
  blocks_.reset();
}

}  // namespace corelab::wsgi
