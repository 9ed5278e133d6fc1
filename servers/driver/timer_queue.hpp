// Many timers behind the one that a loop library has to keep: a binary heap.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "common/clock.hpp"

namespace corelab {

class TimerQueue;

/// Something to do at a time. One thread. Leaves its queue when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  inline virtual ~Timer();

  virtual void on_time() = 0;
  bool is_set() const { return index_ != unset; }

 private:
  friend class TimerQueue;
  static constexpr std::size_t unset = static_cast<std::size_t>(-1);
  Deadline at_ = no_deadline;
  std::size_t index_ = unset;
  TimerQueue* queue_ = nullptr;
};

/// One thread. Setting, moving and clearing a timer is O(log n).
class TimerQueue {
 public:
  void set(Timer& timer, Deadline at) {
    if (!timer.is_set()) {
      timer.queue_ = this;
      timer.index_ = heap_.size();
      heap_.push_back(&timer);
    }
    timer.at_ = at;
    sift(timer.index_);
  }

  void clear(Timer& timer) {
    if (!timer.is_set()) return;
    std::size_t index = timer.index_;
    Timer* last = heap_.back();
    heap_.pop_back();
    timer.index_ = Timer::unset;
    if (last == &timer) return;
    place(index, last);
    sift(index);
  }

  /// When the first is due; no_deadline if there is none.
  Deadline next() const { return heap_.empty() ? no_deadline : heap_.front()->at_; }

  /// Clears and calls every timer that is due. Those may set, clear and destroy any timer.
  void run(Clock::time_point now) {
    while (next() <= now) {
      Timer& due = *heap_.front();
      clear(due);
      due.on_time();
    }
  }

 private:
  void place(std::size_t index, Timer* timer) {
    heap_[index] = timer;
    timer->index_ = index;
  }
  bool earlier(std::size_t a, std::size_t b) const { return heap_[a]->at_ < heap_[b]->at_; }
  void exchange(std::size_t a, std::size_t b) {
    Timer* timer = heap_[a];
    place(a, heap_[b]);
    place(b, timer);
  }
  void sift(std::size_t index) {
    while (index > 0 && earlier(index, (index - 1) / 2)) {
      exchange(index, (index - 1) / 2);
      index = (index - 1) / 2;
    }
    for (;;) {
      std::size_t first = index;
      for (std::size_t child : {2 * index + 1, 2 * index + 2}) {
        if (child < heap_.size() && earlier(child, first)) first = child;
      }
      if (first == index) return;
      exchange(index, first);
      index = first;
    }
  }

  std::vector<Timer*> heap_;
};

inline Timer::~Timer() {
  if (is_set()) queue_->clear(*this);
}

}  // namespace corelab
