#include "servers/driver/handler_watch.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "common/telemetry/log.hpp"

namespace corelab {

namespace {

using namespace std::chrono_literals;

// Of routes: an application whose paths are all different must not fill the memory, or the log.
constexpr std::size_t most_reported = 100;
constexpr std::size_t most_of_a_route = 200;  // bytes

}  // namespace

/// What one thread is at.
struct HandlerWatch::Thread {
  const pthread_t id = pthread_self();
  std::mutex mutex;  // hardly ever contended: the watch looks a few times a second
  Clock::time_point since = Clock::time_point::max();  // max(): at nothing
  std::uint64_t number = 0;                            // of what it is at
  HeldThread::By by = HeldThread::By::thread;
  std::array<char, most_of_a_route> route{};
  std::size_t route_size = 0;
};

HandlerWatch::~HandlerWatch() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void HandlerWatch::set_limit(std::chrono::milliseconds limit) {
  {
    std::lock_guard lock(mutex_);  // or the watch, about to wait for an hour, would not hear of it
    limit_ns_ = std::chrono::nanoseconds(limit).count();
  }
  if (is_on() && !thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

HandlerWatch::Thread& HandlerWatch::of_this_thread() {
  thread_local std::shared_ptr<Thread> own;
  if (own == nullptr) {
    own = std::make_shared<Thread>();
    std::lock_guard lock(mutex_);
    threads_.push_back(own);
  }
  return *own;
}

void HandlerWatch::run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    auto limit = std::chrono::nanoseconds(limit_ns_);
    changed_.wait_for(lock, is_on() ? std::clamp<std::chrono::nanoseconds>(limit / 4, 1ms, 250ms) : std::chrono::nanoseconds(1h));
    if (is_ending_ || !is_on()) continue;
    std::erase_if(threads_, [](const auto& thread) { return thread.use_count() == 1; });  // has ended
    std::vector<std::shared_ptr<Thread>> threads = threads_;
    lock.unlock();
    for (auto& thread : threads) report(*thread);
    lock.lock();
  }
}

void HandlerWatch::report(Thread& thread) {
  Clock::time_point now = Clock::now();
  std::string route;
  std::uint64_t number = 0;
  HeldThread::By by = HeldThread::By::thread;
  Clock::duration time{};
  {
    std::lock_guard lock(thread.mutex);
    if (thread.since > now || now - thread.since < std::chrono::nanoseconds(limit_ns_)) return;
    route.assign(thread.route.data(), thread.route_size);
    number = thread.number;
    by = thread.by;
    time = now - thread.since;
  }
  if (reported_.size() >= most_reported || !reported_.insert(route).second) return;
  std::string stack = app_.stack_of ? app_.stack_of(thread.id) : "";
  {
    std::lock_guard lock(thread.mutex);
    // The stack took as long to be had as the handler to end.
    if (thread.number != number) stack = "its stack is not to be had: it held the interpreter lock all the while";
  }
  std::array<char, 32> seconds;
  std::snprintf(seconds.data(), seconds.size(), "%.3f", std::chrono::duration<double>(time).count());
  log::warning("slow handler: " + route + " has held its " + (by == HeldThread::By::loop ? "loop" : "thread") + " for " +
               seconds.data() + " s" + (stack.empty() ? "" : ": " + stack));
  if (reported_.size() == most_reported) log::warning("slow handler: no more routes are named");
}

void HeldThread::begin(HandlerWatch& watch, std::string_view method, std::string_view path, By by) {
  thread_ = &watch.of_this_thread();
  std::lock_guard lock(thread_->mutex);
  thread_->since = Clock::now();
  ++thread_->number;
  thread_->by = by;
  std::size_t of_method = std::min(method.size(), std::size_t{20});
  std::size_t of_path = std::min(path.size(), most_of_a_route - of_method - 1);
  char* to = thread_->route.data();
  std::memcpy(to, method.data(), of_method);
  to[of_method] = ' ';
  std::memcpy(to + of_method + 1, path.data(), of_path);
  thread_->route_size = of_method + 1 + of_path;
}

void HeldThread::end() {
  std::lock_guard lock(thread_->mutex);
  thread_->since = Clock::time_point::max();
  ++thread_->number;
}

}  // namespace corelab
