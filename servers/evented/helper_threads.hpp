// Threads that make blocking calls in a loop's place.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "common/app/waiter.hpp"

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
  /// `on_done` is called on a helper's thread after the call.
  HelperThreads(unsigned threads, void (*on_done)(HelperJob&)) : wanted_(threads), on_done_(on_done) {}
  ~HelperThreads();  ///< finishes what is queued

  /// Loop's thread.
  void submit(HelperJob& job);
  /// Takes a job back. True: it has not begun, and on_done will not be called. Loop's thread.
  bool withdraw(HelperJob& job);

 private:
  void run();

  const unsigned wanted_;
  void (*const on_done_)(HelperJob&);
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<HelperJob*> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace corelab
