// When a result is not to be believed: each gate gives its reason, and has a test that makes it fire.
#pragma once

#include <string>
#include <vector>

#include "benchmarks/load/options.hpp"
#include "benchmarks/load/tally.hpp"

namespace corelab::load {

/// Reasons to call the run INVALID; none if it is valid. Reads the tally alone. Figures of the run are left out of them,
/// so that runs with the same reason can be counted.
std::vector<std::string> reasons_to_doubt(const Options& options, const Tally& tally);

/// How late the generator was: for the requests of an open loop; a closed one is judged by each millisecond of the clock.
const Latencies& lag(const Options& options, const Tally& tally, const Counts& total);

/// Mean number of requests between sending and answer: by a counter, and by Little's law, which makes it the time that
/// all of them took over the time that was measured. The two come from separate book-keeping.
struct InFlight {
  double counted = 0, by_littles_law = 0;
  double relative_difference() const;
};
InFlight in_flight(const Counts& counts, double measured_seconds);

}  // namespace corelab::load
