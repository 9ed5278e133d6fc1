// /healthz and /stats.
#pragma once

#include "common/app/app.hpp"
#include "common/telemetry/counters.hpp"
#include "common/telemetry/lock_times.hpp"

namespace corelab {

/// Adds GET /healthz (503 while the server drains) and GET /stats (JSON) to `app`. `core` and `workers`, the rows that
/// threads of this process use, are what /stats says; with processes every row in use is one. `lock_times` is null if the app
/// has no lock. The boards outlive it.
void add_control_routes(App& app, CounterBoard& board, LockTimesBoard* lock_times, std::string core, unsigned workers,
                        bool has_processes);

}  // namespace corelab
