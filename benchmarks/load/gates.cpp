#include "benchmarks/load/gates.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace corelab::load {

namespace {

constexpr double littles_law_within = 0.02;

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

InFlight in_flight(const Counts& counts, double measured_seconds) {
  return {counts.flight_seconds / measured_seconds, counts.flight_seconds_by_request / measured_seconds};
}

const Latencies& lag(const Options& options, const Tally& tally, const Counts& total) {
  return options.is_open() ? total.lag : tally.loop_lag;
}

std::vector<std::string> reasons_to_doubt(const Options& options, const Tally& tally) {
  std::vector<std::string> reasons;
  Counts total = tally.total();
  if (total.due == 0) return {"no request was due in the time that was measured"};
  if (tally.connections_established < options.connections) {
    reasons.push_back(sentence("fewer than ", options.connections, " connections were established",
                               tally.first_problem.empty() ? "" : ": " + tally.first_problem));
  }
  if (tally.idle_established < options.idle) {
    reasons.push_back(sentence("fewer than ", options.idle, " idle connections had their first answer"));
  } else if (tally.idle_open_at_end < options.idle) {
    reasons.push_back(sentence("fewer than ", options.idle, " idle connections were still open at the end"));
  }
  if (lag(options, tally, total).quantile_ms(0.99) > options.max_lag_ms) {
    reasons.push_back(sentence("the generator was late: the 99th percentile of its ",
                               options.is_open() ? "schedule's" : "loop's", " lag is over ", options.max_lag_ms, " ms"));
  }
  if (options.is_open() &&
      static_cast<double>(total.sent_in_time) < options.min_kept * static_cast<double>(total.due)) {
    reasons.push_back(sentence("the rate was not kept: less than ", 100 * options.min_kept,
                               "% of what was due was sent by the end and answered"));
  }
  if (static_cast<double>(total.unanswered()) > options.max_unanswered * static_cast<double>(total.due)) {
    reasons.push_back(sentence("more than ", 100 * options.max_unanswered, "% of the requests were never answered"));
  }
  if (total.bad_statuses() > 0) reasons.push_back("there were answers with a status of 400 or more");
  if (in_flight(total, tally.measured_seconds).relative_difference() > littles_law_within) {
    reasons.push_back("Little's law does not hold: the requests in flight and the times they took do not agree");
  }
  return reasons;
}

}  // namespace corelab::load
