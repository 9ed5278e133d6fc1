// Sessions that no connection uses. An idle connection holds none, so its memory does not either.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <vector>

#include "common/http/session.hpp"

namespace corelab {

/// Any thread, if it is shared; else one. Keeps as many sessions as were ever busy at once, up to `most`; last in, first out, so that the one a
/// connection gets is still in the cache.
class SessionPool {
 public:
  enum class Use { one_thread, shared };
  explicit SessionPool(Use use) : is_shared_(use == Use::shared) { free_.reserve(most); }

  std::unique_ptr<Session> take() {
    {
      auto lock = this->lock();
      if (!free_.empty()) {
        std::unique_ptr<Session> session = std::move(free_.back());
        free_.pop_back();
        least_ = std::min(least_, free_.size());
        return session;
      }
    }
    return std::make_unique<Session>();
  }

  /// Allocates nothing.
  void give(std::unique_ptr<Session> session) {
    session->end();
    auto lock = this->lock();
    if (free_.size() < most) free_.push_back(std::move(session));
  }

  /// Now and then: gives back those that nobody has needed since the last time.
  void shed() {
    std::vector<std::unique_ptr<Session>> unneeded;
    auto lock = this->lock();
    auto end = free_.begin() + static_cast<std::ptrdiff_t>(std::min(least_, free_.size()));
    unneeded.assign(std::make_move_iterator(free_.begin()), std::make_move_iterator(end));
    free_.erase(free_.begin(), end);
    least_ = free_.size();
    if (lock.owns_lock()) lock.unlock();
  }

 private:
  std::unique_lock<std::mutex> lock() {
    return is_shared_ ? std::unique_lock(mutex_) : std::unique_lock(mutex_, std::defer_lock);
  }

  const bool is_shared_;
  static constexpr std::size_t most = 256;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> free_;
  std::size_t least_ = 0;  // that were free since the last shed()
};

}  // namespace corelab
