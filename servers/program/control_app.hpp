// /healthz and /stats.
#pragma once

#include "common/app/app.hpp"
#include "common/telemetry/counters.hpp"

namespace corelab {

/// Adds GET /healthz (503 while the server drains) and GET /stats (JSON) to `app`. `core` and `workers`, the rows that
/// threads of this process use, are what /stats says; with processes every row in use is one. The board outlives it.
void add_control_routes(App& app, CounterBoard& board, std::string core, unsigned workers, bool has_processes);

}  // namespace corelab
