#include <condition_variable>
#include <deque>
#include <mutex>

#include "benchmarks/floor/models.hpp"
#include "benchmarks/floor/readiness.hpp"
#include "benchmarks/floor/thread.hpp"

namespace corelab::floor {
namespace {

// Ready connections on their way to the pool. Bounded by the connections: each is in it at most once.
class ReadyQueue {
 public:
  void push(Connection* connection) {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(connection);
    }
    ready_.notify_one();
  }

  Connection* pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !queue_.empty(); });
    Connection* const connection = queue_.front();
    queue_.pop_front();
    return connection;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Connection*> queue_;
};

[[noreturn]] void serve(ReadyQueue& queue, const Readiness& readiness, const Canned& canned) {
  char buffer[chunk_bytes];
  while (true) {
    Connection* const connection = queue.pop();
    connection->take();
    const Wants wants = connection->step(canned, buffer);
    if (wants == Wants::close) {
      Readiness::close(connection);
    } else {
      connection->pass();
      readiness.rearm(connection, wants);
    }
  }
}

}  // namespace

void run_handoff(const Listener& listener, const Canned& canned, unsigned threads) {
  Readiness readiness(listener, Handling::elsewhere);
  ReadyQueue queue;
  for (unsigned i = 0; i < threads; ++i) {
    start_thread([&] { serve(queue, readiness, canned); });
  }
  while (true) {
    for (const epoll_event& event : readiness.wait()) {
      if (event.data.ptr == nullptr) {
        readiness.accept_all();
      } else {
        queue.push(static_cast<Connection*>(event.data.ptr));
      }
    }
  }
}

}  // namespace corelab::floor
