#include "servers/evented/helper_threads.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace corelab {

namespace {

constexpr std::chrono::microseconds short_call(100);

thread_local std::atomic<Clock::time_point>* own_began = nullptr;

}  // namespace

HelperThreads::HelperThreads(unsigned threads, void (*on_done)(HelperJob&), std::atomic<std::int64_t>& waiting,
                             Trace* trace)
    : wanted_(threads),
      on_done_(on_done),
      waiting_(waiting),
      trace_(trace) {
  for (unsigned i = 0; i < threads; ++i) began_.emplace_back(no_call);
}

HelperThreads::~HelperThreads() {
  {
    std::lock_guard lock(mutex_);
    queue_.insert(queue_.end(), submitted_.begin(), submitted_.end());
    ending_ = true;
    for (Sleeper* sleeper : sleepers_) sem_post(&sleeper->woken);
    sleepers_.clear();
  }
  for (std::thread& thread : threads_) thread.join();
}

void HelperThreads::submit(HelperJob& job) {
  try {
    while (threads_.size() < wanted_) threads_.emplace_back([this, &began = began_[threads_.size()]] { run(began); });
  } catch (const std::system_error&) {
    // The system has no more threads. With one the calls are made in turn; with none the handler hears of it.
    if (threads_.empty()) throw;
  }
  submitted_.push_back(&job);
  waiting_.fetch_add(1, std::memory_order_relaxed);
}

bool HelperThreads::begin() {
  if (submitted_.empty()) return true;
  std::unique_lock lock(mutex_);
  queue_.insert(queue_.end(), submitted_.begin(), submitted_.end());
  submitted_.clear();
  bool is_one = queue_.size() < 2;
  if (!is_waking_) wake_one(std::move(lock));
  return is_one;
}

void HelperThreads::hurry() {
  std::unique_lock lock(mutex_);
  for (std::size_t left = queue_.size(); left > 0; --left) {
    wake_one(std::move(lock));
    lock = std::unique_lock(mutex_);
  }
}

bool HelperThreads::note_progress() {
  if (own_began != nullptr) own_began->store(Clock::now(), std::memory_order_relaxed);
  return own_began != nullptr;
}

Clock::time_point HelperThreads::oldest_call() const {
  Clock::time_point oldest = no_call;
  for (const Began& began : began_) oldest = std::min(oldest, began.load(std::memory_order_relaxed));
  return oldest;
}

bool HelperThreads::withdraw(HelperJob& job) {
  if (std::erase(submitted_, &job) == 0) {
    std::lock_guard lock(mutex_);
    if (std::erase(queue_, &job) == 0) return false;
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void HelperThreads::run(Began& began) {
  own_began = &began;
  if (trace_ != nullptr) trace_->name_thread("helper");
  make_calls(began);
  if (trace_ != nullptr) trace_->flush_thread();
}

void HelperThreads::make_calls(Began& began) {
  Sleeper self;
  bool leaves_the_rest = false;
  for (;;) {
    std::unique_lock lock(mutex_);
    began.store(no_call, std::memory_order_relaxed);
    while (queue_.empty() && !ending_) sleep(self, lock);
    if (queue_.empty()) return;
    HelperJob& job = *queue_.front();
    queue_.pop_front();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    Clock::time_point start = Clock::now();
    began.store(start, std::memory_order_relaxed);
    if (queue_.empty() || is_waking_ || leaves_the_rest) {
      lock.unlock();
    } else {
      wake_one(std::move(lock));
    }
    job.operation->call(job.operation->callable);
    leaves_the_rest = Clock::now() - start < short_call;
    on_done_(job);
  }
}

void HelperThreads::sleep(Sleeper& self, std::unique_lock<std::mutex>& lock) {
  sleepers_.push_back(&self);
  lock.unlock();
  while (sem_wait(&self.woken) != 0) {}  // EINTR
  lock.lock();
  is_waking_ = false;
}

// Gives the lock back first: who is woken may run at once, and needs it.
void HelperThreads::wake_one(std::unique_lock<std::mutex> lock) {
  if (sleepers_.empty()) return;
  Sleeper* sleeper = sleepers_.back();
  sleepers_.pop_back();
  is_waking_ = true;
  lock.unlock();
  sem_post(&sleeper->woken);
}

}  // namespace corelab
