// --slow-handler: which handler has held its thread, or its loop, for too long; said once a route, while it still does.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/app/lifecycle.hpp"
#include "common/clock.hpp"

namespace corelab {

/// One a process. A thread of its own looks at what the others are at, so that none of them waits for it.
class HandlerWatch {
 public:
  /// `app` is asked for stacks (Lifecycle::stack_of).
  explicit HandlerWatch(const Lifecycle& app) : app_(app) {}
  ~HandlerWatch();
  HandlerWatch(const HandlerWatch&) = delete;

  /// From now on; 0 turns it off. One thread at a time.
  void set_limit(std::chrono::milliseconds limit);

 private:
  friend class HeldThread;
  struct Thread;

  bool is_on() const { return limit_ns_.load(std::memory_order_relaxed) != 0; }
  Thread& of_this_thread();
  void run();
  void report(Thread& thread);

  const Lifecycle& app_;
  std::atomic<std::int64_t> limit_ns_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Thread>> threads_;  // that have run a handler
  std::set<std::string> reported_;                // routes
  bool is_ending_ = false;
  std::thread thread_;
};

/// While it lives, the calling thread is held by a handler. Costs a comparison where nobody watches.
class HeldThread {
 public:
  enum class By { loop, thread };
  /// `watch` may be null. `by`: whether all that a loop serves waits, or what this thread serves.
  HeldThread(HandlerWatch* watch, std::string_view method, std::string_view path, By by) {
    if (watch != nullptr && watch->is_on()) begin(*watch, method, path, by);
  }
  ~HeldThread() {
    if (thread_ != nullptr) end();
  }
  HeldThread(const HeldThread&) = delete;

 private:
  void begin(HandlerWatch& watch, std::string_view method, std::string_view path, By by);
  void end();

  HandlerWatch::Thread* thread_ = nullptr;
};

}  // namespace corelab
