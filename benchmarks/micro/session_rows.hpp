// A session and the least driver it can have: what is sent goes nowhere.
#pragma once

#include <string_view>

#include "common/http/session.hpp"

namespace corelab::micro {

class BareDriver {
 public:
  BareDriver() {
    session_.begin({.limits = limits_});
    session_.set_date("Thu, 01 Jan 1970 00:00:00 GMT");
  }

  /// Feeds `bytes`, which fit, and answers what is complete with what `answer` gives. Returns the answers'
  /// number.
  template <class Answer>
  int serve(std::string_view bytes, Answer answer) {
    session_.feed(bytes);
    int answers = 0;
    for (;;) {
      switch (session_.next()) {
        case Session::Want::handle:
          session_.respond(answer(session_.request()));
          ++answers;
          break;
        case Session::Want::write:
          session_.sent(session_.output().size());
          break;
        default:
          return answers;
      }
    }
  }

 private:
  Limits limits_;
  Session session_;
};

}  // namespace corelab::micro
