#include "benchmarks/load/tally.hpp"

#include <numeric>

namespace corelab::load {

const char* to_string(Loss loss) {
  switch (loss) {
    case Loss::connect: return "connect";
    case Loss::closed: return "closed";
    case Loss::reset: return "reset";
    case Loss::malformed: return "malformed";
    case Loss::timeout: return "timeout";
    case Loss::unfinished: return "unfinished";
  }
  return "";
}

std::uint64_t Counts::unanswered() const { return std::accumulate(lost.begin(), lost.end(), std::uint64_t{0}); }

std::uint64_t Counts::bad_statuses() const {
  return std::accumulate(statuses.begin() + 4, statuses.end(), std::uint64_t{0});
}

void Counts::add(const Counts& others) {
  due += others.due;
  answered += others.answered;
  sent_in_time += others.sent_in_time;
  answers_in_window += others.answers_in_window;
  bytes += others.bytes;
  for (std::size_t i = 0; i < statuses.size(); ++i) statuses[i] += others.statuses[i];
  for (std::size_t i = 0; i < lost.size(); ++i) lost[i] += others.lost[i];
  response.add(others.response);
  service.add(others.service);
  lag.add(others.lag);
  flight_seconds += others.flight_seconds;
  flight_seconds_by_request += others.flight_seconds_by_request;
}

Counts Tally::total() const {
  Counts sum;
  for (const Counts& one : classes) sum.add(one);
  sum.starved_connections = starved_connections;  // one may have asked for several classes
  return sum;
}

}  // namespace corelab::load
