// Threads that make blocking calls in a loop's place.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "common/app/waiter.hpp"
#include "common/clock.hpp"
#include "common/telemetry/trace.hpp"

namespace corelab {

class EventedConnection;

/// A blocking call on its way through the helpers. Lives in its connection.
struct HelperJob {
  Waiter::Operation* operation = nullptr;
  EventedConnection* connection = nullptr;
};

/// Started with the first job. Its queue is as long as there are connections, each of which has one job at most.
///
/// To wake a thread costs more than a short call takes. So one is woken for all that is submitted together, the last that
/// fell asleep (its caches are warm). It wakes the next for what it leaves in the queue, unless its last call was a
/// short one: then it comes back for the rest, and hurry() is there for the case that it does not.
class HelperThreads {
 public:
  /// `on_done` is called on a helper's thread after the call. `waiting` counts the jobs that no helper has taken. `trace`
  /// may be null.
  HelperThreads(unsigned threads, void (*on_done)(HelperJob&), std::atomic<std::int64_t>& waiting, Trace* trace);
  ~HelperThreads();  ///< finishes what is queued

  /// Loop's thread, which calls begin() once for all that it submits together: no helper sees a job before that.
  void submit(HelperJob& job);
  /// Wakes a helper for what was submitted. False: more is queued than it takes, and hurry() is due in a while. Loop's
  /// thread.
  bool begin();
  /// Wakes a helper for each job that is still queued. Loop's thread.
  void hurry();
  /// The call that the calling thread makes counts as begun just now: it makes progress. False if that is no helper.
  static bool note_progress();
  /// When the longest of the calls that are being made began; `max()` if none is. Any thread.
  Clock::time_point oldest_call() const;
  /// Takes a job back. True: it has not begun, and on_done will not be called. Loop's thread.
  bool withdraw(HelperJob& job);

 private:
  // Not std::binary_semaphore, which in libstdc++ 12 gives up the CPU several times before it sleeps; nor a condition
  // variable, after whose wait the mutex counts as contended: giving it back is a system call that wakes nobody.
  struct Sleeper {
    Sleeper() { sem_init(&woken, 0, 0); }
    ~Sleeper() { sem_destroy(&woken); }
    sem_t woken;
  };

  using Began = std::atomic<Clock::time_point>;
  static constexpr Clock::time_point no_call = Clock::time_point::max();

  void run(Began& began);
  void make_calls(Began& began);
  void sleep(Sleeper& self, std::unique_lock<std::mutex>& lock);
  void wake_one(std::unique_lock<std::mutex> lock);

  const unsigned wanted_;
  void (*const on_done_)(HelperJob&);
  std::atomic<std::int64_t>& waiting_;
  Trace* const trace_;
  std::vector<HelperJob*> submitted_;  // and not begun; the loop's
  std::mutex mutex_;
  std::deque<HelperJob*> queue_;
  std::vector<Sleeper*> sleepers_;
  bool is_waking_ = false;                // one that was woken has not looked at the queue yet
  std::deque<Began> began_;               // of each thread's call
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace corelab
