#include "tests/unit/in_memory_connection.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace corelab::test {

InMemoryConnection::InMemoryConnection(Answer answer, const Limits& limits)
    : answer_(std::move(answer)), limits_(limits) {
  begin_again(limits);
}

void InMemoryConnection::begin_again(const Limits& limits) {
  limits_ = limits;
  session_.begin({.limits = limits_});
  session_.set_date("Thu, 01 Jan 1970 00:00:00 GMT");
  output_.clear();
  closed_ = draining_ = false;
  requests_ = most_gathered_ = writes_ = 0;
  run(Cut::all);
}

void InMemoryConnection::send(std::string_view bytes, Cut cut) {
  std::size_t most = cut.first;
  while (!bytes.empty() && !closed_) {
    std::size_t n = session_.feed(bytes.substr(0, most));
    if (n == 0) throw std::logic_error("the session wants input and has no room for it");
    bytes.remove_prefix(n);
    most = cut.others;
    run(cut.taken);
  }
}

void InMemoryConnection::half_close() {
  if (closed_) return;
  session_.end_of_input();
  run(Cut::all);
}

void InMemoryConnection::run(std::size_t taken) {
  std::size_t answers_gathered = 0;
  for (;;) {
    switch (session_.next()) {
      case Session::Want::read:
        if (session_.has_output()) throw std::logic_error("the session reads on while it owes output");
        return;
      case Session::Want::handle: {
        if (session_.output().size() >= limits_.output)
          throw std::logic_error("the output is past its limit");
        if (answers_gathered >= limits_.pipeline)
          throw std::logic_error("more answers gathered than the limit allows");
        ++requests_;
        ++answers_gathered;
        session_.respond(answer_(session_.request()), draining_);
        break;
      }
      case Session::Want::write: {
        Session::Output waiting = session_.output();
        if (waiting.size() == 0) throw std::logic_error("the session wants to write nothing");
        ++writes_;
        most_gathered_ = std::max(most_gathered_, waiting.size());
        std::size_t n = std::min(waiting.size(), taken);
        std::size_t from_first = std::min(n, waiting.first.size());
        output_.append(waiting.first.substr(0, from_first));
        output_.append(waiting.second.substr(0, n - from_first));
        session_.sent(n);
        if (!session_.has_output()) answers_gathered = 0;
        break;
      }
      case Session::Want::pull: {
        if (session_.has_output()) throw std::logic_error("the session pulls while it owes output");
        std::string piece(session_.most_to_pull(), '\0');
        try {
          piece.resize(piece.empty() ? 0 : session_.source().pull(piece));
          session_.pulled(piece);
        } catch (const std::exception&) {
          session_.give_up_body();
        }
        break;
      }
      case Session::Want::close:
        if (session_.next() != Session::Want::close)
          throw std::logic_error("the session goes on behind its end");
        closed_ = true;
        return;
    }
  }
}

}  // namespace corelab::test
