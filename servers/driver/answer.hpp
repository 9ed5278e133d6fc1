// Who answers a request whose call is made on a helper's thread: that helper, or the loop when its deadline passes first.
#pragma once

#include <atomic>

namespace corelab {

/// One request's after another, of one connection. Each step says who may take it.
///
///               offer()              take()                 finish()
///     loops ──────────────▶ open ──────────────▶ helpers ──────────────▶ sent, sent_in_part or cut
///       │                     │
///       └──────── due() ──────┴──▶ overdue
///
/// and settle() leads back to `loops` from everywhere, when the call is over.
class Answer {
 public:
  enum class State {
    loops,         ///< nobody else's
    open,          ///< whoever takes it first
    helpers,       ///< being sent by the helper that made the call: nobody else touches the connection
    sent,          ///< by it, to the end, and the connection is idle
    sent_in_part,  ///< by it: the loop goes on with what is left
    cut,           ///< by it, short of its end: the client has left, or takes nothing
    overdue,       ///< the loop has said that it is late: what the call still gives is dropped
  };

  /// Any thread; what a helper did to the connection before finish() is seen by whoever sees its state.
  State state() const { return state_.load(std::memory_order_acquire); }
  /// A helper may be at work on it: the loop leaves the connection alone.
  bool may_be_helpers() const { return state() == State::open || state() == State::helpers; }

  /// The loop's thread, before it gives the call away.
  void offer() { state_.store(State::open, std::memory_order_release); }
  /// The helper's thread: true if the answer is its own to send now.
  [[nodiscard]] bool take() { return moves(State::open, State::helpers); }
  /// The helper's thread, after take().
  void finish(State how) { state_.store(how, std::memory_order_release); }
  /// The loop's thread, when the request's deadline has passed: true if it is to say so.
  [[nodiscard]] bool due() { return moves(State::loops, State::overdue) || moves(State::open, State::overdue); }
  /// The loop's thread, when the call is over. Says what became of the answer.
  State settle() { return state_.exchange(State::loops, std::memory_order_acq_rel); }

 private:
  bool moves(State from, State to) { return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel); }

  std::atomic<State> state_{State::loops};
};

}  // namespace corelab
