#include "apps/wsgi/gil.hpp"

#include <ctime>
#include <utility>

#include "apps/wsgi/interpreters.hpp"
#include "common/telemetry/lock_times.hpp"
#include "common/telemetry/trace.hpp"

namespace corelab::wsgi {

namespace {

// Taking a free lock takes a fraction of a microsecond; sleeping until another thread gives it up and being
// woken takes several. Python does not say which it was.
constexpr std::chrono::microseconds contended_from(5);

// The time this thread holds the lock, as nearly as it can be seen from outside: a handler that sleeps or
// reads gives the lock back meanwhile, and uses no CPU time either. A system call that takes microseconds.
std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

Application& Gil::application() const { return *mine_.application; }

Gil::Gil(Interpreters& interpreters) : mine_(interpreters.of_this_thread()) {
  if (mine_.depth++ > 0) return;
  times_ = serving().lock_times;
  if (!std::exchange(mine_.is_kept, false)) take();
  if (!mine_.is_introduced) Interpreters::introduce(mine_);
  if (times_ != nullptr && mine_.sampler.takes(Clock::now)) cpu_time_at_start_ = thread_cpu_time();
}

void Gil::take() {
  if (times_ == nullptr) {
    PyEval_RestoreThread(mine_.state);
    return;
  }
  Clock::time_point asked = Clock::now();
  PyEval_RestoreThread(mine_.state);
  Clock::time_point taken = Clock::now();
  if (taken - asked < contended_from) {
    times_->uncontended.fetch_add(1, std::memory_order_relaxed);
  } else {
    times_->waited.add(taken - asked);
    if (Trace* trace = serving().trace)
      trace->slice("waiting for the GIL", asked, taken, serving().connection);
  }
}

Gil::~Gil() {
  if (--mine_.depth > 0) return;
  if (cpu_time_at_start_) times_->held.add(thread_cpu_time() - *cpu_time_at_start_);
  if (LockKeeper* keeper = serving().lock_keeper) {
    mine_.is_kept = true;
    keeper->lock_is_kept();
  } else {
    PyEval_SaveThread();
  }
}

WithoutGil::WithoutGil() : mine_(Interpreters::current()), depth_(std::exchange(mine_.depth, 0)) { PyEval_SaveThread(); }

WithoutGil::~WithoutGil() {
  if (!std::exchange(mine_.is_kept, false)) PyEval_RestoreThread(mine_.state);
  mine_.depth = depth_;
}

}  // namespace corelab::wsgi
