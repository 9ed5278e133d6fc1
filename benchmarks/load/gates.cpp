#include "benchmarks/load/gates.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace corelab::load {

namespace {

constexpr double littles_law_within = 0.02;
constexpr double rate_kept = 0.98;

template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream out;
  out.precision(4);
  (out << ... << parts);
  return out.str();
}

}  // namespace

double InFlight::relative_difference() const {
  double larger = std::max(counted, by_littles_law);
  return larger == 0 ? 0 : std::abs(counted - by_littles_law) / larger;
}

InFlight in_flight(const Tally& tally) {
  Counts total = tally.total();
  double service_seconds = total.service.mean_ms() / 1e3 * static_cast<double>(total.service.count());
  return {tally.flight_seconds / tally.measured_seconds, service_seconds / tally.measured_seconds};
}

std::vector<std::string> reasons_to_doubt(const Options& options, const Tally& tally) {
  std::vector<std::string> reasons;
  Counts total = tally.total();
  if (total.due == 0) return {"no request was due in the time that was measured"};
  if (tally.connections_established < options.connections) {
    reasons.push_back(sentence(tally.connections_established, " of ", options.connections,
                               " connections were established",
                               tally.first_problem.empty() ? "" : ": " + tally.first_problem));
  }
  if (tally.idle_established < options.idle) {
    reasons.push_back(sentence(tally.idle_established, " of ", options.idle, " idle connections had their first answer"));
  }
  if (options.is_open() && tally.lag.quantile_ms(0.99) > options.max_lag_ms) {
    reasons.push_back(sentence("the generator was late: 99% of the schedule within ", tally.lag.quantile_ms(0.99),
                               " ms, more than --max-lag ", options.max_lag_ms));
  }
  if (options.is_open() && static_cast<double>(total.answered_in_time) < rate_kept * static_cast<double>(total.due)) {
    reasons.push_back(sentence("the rate was not kept: ", total.answered_in_time, " of ", total.due,
                               " requests that were due had their answer by the end"));
  }
  if (static_cast<double>(total.unanswered()) > options.max_unanswered * static_cast<double>(total.due)) {
    reasons.push_back(sentence(total.unanswered(), " of ", total.due, " requests were never answered"));
  }
  if (total.bad_status > 0) reasons.push_back(sentence(total.bad_status, " answers had a status of 400 or more"));
  // What is under way at both ends of the measured time belongs to it with one end only.
  InFlight flight = in_flight(tally);
  double edges = 2 * total.service.mean_ms() / 1e3 / tally.measured_seconds;
  if (flight.relative_difference() > littles_law_within + edges) {
    reasons.push_back(sentence("Little's law does not hold: ", flight.counted, " requests in flight were counted, ",
                               flight.by_littles_law, " follow from their number and their times"));
  }
  return reasons;
}

}  // namespace corelab::load
