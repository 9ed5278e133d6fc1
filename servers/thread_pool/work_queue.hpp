// The queue between who has work and the threads that do it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace corelab {

/// Any thread. As long as its users let it be: what is put into it is bounded by the cap on connections.
template <class Work>
class WorkQueue {
 public:
  struct State {
    std::size_t depth;
    std::size_t unserved;  ///< work for which no thread is free
  };

  /// `on_change` is called with each new state, in their order: under the queue's lock, so it must be short.
  explicit WorkQueue(std::function<void(State)> on_change) : on_change_(std::move(on_change)) {}

  void push(Work work) {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
      changed();
    }
    ready_.notify_one();
  }

  /// Waits for work; none once close() was called and nothing is left.
  std::optional<Work> pop() {
    std::unique_lock lock(mutex_);
    ++free_threads_;
    ready_.wait(lock, [this] { return is_closed_ || !queue_.empty(); });
    --free_threads_;
    if (queue_.empty()) return std::nullopt;
    std::optional<Work> work = std::move(queue_.front());
    queue_.pop_front();
    changed();
    return work;
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    ready_.notify_all();
  }

 private:
  void changed() { on_change_({queue_.size(), queue_.size() - std::min(free_threads_, queue_.size())}); }

  const std::function<void(State)> on_change_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Work> queue_;
  std::size_t free_threads_ = 0;
  bool is_closed_ = false;
};

}  // namespace corelab
