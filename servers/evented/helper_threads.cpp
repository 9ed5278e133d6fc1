#include "servers/evented/helper_threads.hpp"

#include <algorithm>
#include <system_error>

namespace corelab {

HelperThreads::HelperThreads(unsigned threads, void (*on_done)(HelperJob&), Trace* trace)
    : wanted_(threads), on_done_(on_done), trace_(trace), began_(threads, Clock::time_point::max()) {}

HelperThreads::~HelperThreads() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HelperThreads::submit(HelperJob& job) {
  try {
    while (threads_.size() < wanted_) threads_.emplace_back([this, &began = began_[threads_.size()]] { run(began); });
  } catch (const std::system_error&) {
    // The system has no more threads. With one the calls are made in turn; with none the handler hears of it.
    if (threads_.empty()) throw;
  }
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(&job);
  }
  ready_.notify_one();
}

Clock::time_point HelperThreads::oldest_call() {
  std::lock_guard lock(mutex_);
  return began_.empty() ? Clock::time_point::max() : *std::min_element(began_.begin(), began_.end());
}

bool HelperThreads::withdraw(HelperJob& job) {
  std::lock_guard lock(mutex_);
  auto found = std::find(queue_.begin(), queue_.end(), &job);
  if (found == queue_.end()) return false;
  queue_.erase(found);
  return true;
}

void HelperThreads::run(Clock::time_point& began) {
  if (trace_ != nullptr) trace_->name_thread("helper");
  make_calls(began);
  if (trace_ != nullptr) trace_->flush_thread();
}

void HelperThreads::make_calls(Clock::time_point& began) {
  for (;;) {
    HelperJob* job = nullptr;
    {
      std::unique_lock lock(mutex_);
      began = Clock::time_point::max();
      ready_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = queue_.front();
      queue_.pop_front();
      began = Clock::now();
    }
    job->operation->call(job->operation->callable);
    on_done_(*job);
  }
}

}  // namespace corelab
