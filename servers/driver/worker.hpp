// What the connections of one worker share.
#pragma once

#include <atomic>
#include <functional>

#include "common/telemetry/lock_times.hpp"
#include "servers/driver/session_pool.hpp"
#include "servers/server.hpp"

namespace corelab {

struct Worker {
  const ServerContext& context;
  WorkerCounters& counters;
  SessionPool& sessions;
  /// From now on every answer ends its connection.
  const std::atomic<bool>& draining;
  /// The same, as long as it is true: others wait for a thread (`yield`). Null where nobody waits for threads.
  const std::atomic<bool>* others_wait = nullptr;
  /// Makes a call that blocks somewhere else than on this thread. Null: here. The call must outlive the task.
  Task<Response> (*call_elsewhere)(const std::function<Response()>& call, Waiter&) = nullptr;
  /// Its thread has nothing but its handlers to show that it is alive: say in the counters when one runs.
  bool shows_when_busy = false;
  /// Its row, if the app has a lock whose times are recorded.
  LockTimes* lock_times = nullptr;
};

}  // namespace corelab
