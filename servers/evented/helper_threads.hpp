// Threads that make blocking calls in a loop's place.
#pragma once

#include <condition_variable>
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
class HelperThreads {
 public:
  /// `on_done` is called on a helper's thread after the call. `trace` may be null.
  HelperThreads(unsigned threads, void (*on_done)(HelperJob&), Trace* trace);
  ~HelperThreads();  ///< finishes what is queued

  /// Loop's thread.
  void submit(HelperJob& job);
  /// When the longest of the calls that are being made began; `max()` if none is. Any thread.
  Clock::time_point oldest_call();
  /// Takes a job back. True: it has not begun, and on_done will not be called. Loop's thread.
  bool withdraw(HelperJob& job);

 private:
  void run(Clock::time_point& began);
  void make_calls(Clock::time_point& began);

  const unsigned wanted_;
  void (*const on_done_)(HelperJob&);
  Trace* const trace_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<HelperJob*> queue_;
  std::vector<Clock::time_point> began_;  // of each thread's call
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace corelab
