// One request on its way through the application: a response comes out (PEP 3333).
#pragma once

#include "apps/wsgi/python.hpp"

#include <optional>

#include "apps/wsgi/body.hpp"
#include "apps/wsgi/environ.hpp"
#include "common/http/message.hpp"

namespace corelab::wsgi {

class Interpreters;
struct Head;

/// The call, and the blocks of its iterable up to the first that is not empty: until then the application may still
/// change its mind about the head. All of it in one context and on one thread. Needs the GIL, where nothing else is said.
class Call final : public PendingAnswer {
 public:
  /// `context`: a contextvars.Context of its own.
  Call(Interpreters& interpreters, Ref context, Ref start_response, const Request& request);
  Call(Call&&) noexcept = default;
  /// Takes the GIL. Closes what the application has returned, if nobody else will.
  ~Call() override;

  /// Makes it. The response: one that streams what is left of the iterable, a 500 if the application has failed, or one
  /// that is pending, because there was nothing but an empty block; that one takes the Call along. Throws
  /// std::runtime_error if the application fails when it has written a part of its answer.
  Response make(PyObject* callable, Environ& environ, const Request& request);

  /// Takes the GIL.
  std::optional<Response> ask() override;

 private:
  std::optional<Response> first_block();
  Response answer(Ref block);
  Response fail();
  Head& head() const;

  Interpreters* interpreters_;
  Ref context_, start_response_;
  std::optional<Blocks> blocks_;
};

}  // namespace corelab::wsgi
