// What the connections of one worker share.
#pragma once

#include <atomic>
#include <functional>

#include "common/telemetry/lock_times.hpp"
#include "common/telemetry/serving.hpp"
#include "servers/driver/session_pool.hpp"
#include "servers/server.hpp"

namespace corelab {

class Connection;

/// On a loop that runs handlers that block itself, one at a time makes an answer, from its handler's call to the end of its
/// body's source: what the handler relies on its thread for (a context, thread-locals, an open cursor) is never
/// another's meanwhile. The loop's thread.
class Turn {
 public:
  bool is_free_for(const Connection& connection) const { return holder_ == nullptr || holder_ == &connection; }
  void take(const Connection& connection) { holder_ = &connection; }
  void leave(const Connection& connection) {
    if (holder_ != &connection) return;
    holder_ = nullptr;
    on_free();
  }

 protected:
  ~Turn() = default;

 private:
  virtual void on_free() = 0;
  const Connection* holder_ = nullptr;
};

struct Worker {
  const ServerContext& context;
  WorkerCounters& counters;
  SessionPool& sessions;
  /// From now on every answer ends its connection.
  const std::atomic<bool>& draining;
  /// The same, as long as it is true: others wait for a thread (`yield`). Null where nobody waits for threads.
  const std::atomic<bool>* others_wait = nullptr;
  /// Makes a call that blocks somewhere else than on this thread. Null: here. The call must outlive the task.
  Task<Response> (*call_elsewhere)(const std::function<void()>& call, Waiter&) = nullptr;
  /// Whose turn it is to make an answer on this thread. Null where a thread sees each answer through to its end anyway.
  Turn* turn = nullptr;
  /// Its thread has nothing but its handlers to show that it is alive: say in the counters when one runs.
  bool shows_when_busy = false;
  /// Says of a call made elsewhere that it is alive, on the thread that makes it. False: the calling thread is not
  /// elsewhere. Null where a thread is nobody's loop.
  bool (*note_progress)() = nullptr;
  /// Its row, if the app has a lock whose times are recorded.
  LockTimes* lock_times = nullptr;
  /// Who lets its handlers keep that lock, or null.
  LockKeeper* lock_keeper = nullptr;
};

}  // namespace corelab
