#include "benchmarks/load/result.hpp"

#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "benchmarks/load/gates.hpp"

namespace corelab::load {

namespace {

using nlohmann::json;

json to_json(const Latencies& times) {
  if (times.count() == 0) return {{"mean", nullptr}, {"p50", nullptr}, {"p90", nullptr}, {"p99", nullptr}, {"p999", nullptr}, {"max", nullptr}};
  return {{"mean", times.mean_ms()},          {"p50", times.quantile_ms(0.5)},    {"p90", times.quantile_ms(0.9)},
          {"p99", times.quantile_ms(0.99)},   {"p999", times.quantile_ms(0.999)}, {"max", times.max_ms()}};
}

/// The histogram itself: pairs of a bin's upper edge and its count, empty bins left out.
json histogram(const Latencies& times) {
  json pairs = json::array();
  for (std::size_t bin = 0; bin < Latencies::bins(); ++bin) {
    if (std::uint64_t count = times.in_bin(bin); count > 0) pairs.push_back({Latencies::upper_edge_ms(bin), count});
  }
  return pairs;
}

/// Of one class, or of all; `share` is its share of the requests.
json to_json(const Options& options, const Counts& counts, double measured_seconds, double share) {
  json errors = json::object();
  for (std::size_t i = 0; i < losses.size(); ++i) errors[to_string(losses[i])] = counts.lost[i];
  errors["status"] = counts.bad_statuses();
  json statuses = json::object();
  for (std::size_t i = 0; i < counts.statuses.size(); ++i) {
    if (counts.statuses[i] > 0) statuses[std::to_string(i) + "xx"] = counts.statuses[i];
  }
  InFlight flight = in_flight(counts, measured_seconds);
  double rate = share * (options.ramp ? options.rate / 2 : options.rate);
  return {{"requests", counts.answered},
          {"due", counts.due},
          {"asked_rate", options.is_open() ? json(rate) : json(nullptr)},
          {"achieved_rate", static_cast<double>(counts.answers_in_window) / measured_seconds},
          {"bytes", counts.bytes},
          {"lag_ms", to_json(counts.lag)},
          {"mean_in_flight", flight.counted},
          {"mean_in_flight_by_littles_law", flight.by_littles_law},
          {"starved_connections", counts.starved_connections},
          {"response_ms", to_json(counts.response)},
          {"service_ms", to_json(counts.service)},
          {"response_histogram", histogram(counts.response)},
          {"service_histogram", histogram(counts.service)},
          {"unanswered", counts.unanswered()},
          {"statuses", statuses},
          {"errors", errors}};
}

json answers(std::vector<std::uint64_t> each) {
  if (each.empty()) return nullptr;
  std::sort(each.begin(), each.end());
  return {{"min", each.front()}, {"p50", each[each.size() / 2]}, {"max", each.back()}};
}

std::string rounded(double number, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << number;
  return out.str();
}

std::string by_status(const Counts& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.statuses.size(); ++i) {
    if (counts.statuses[i] == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(counts.statuses[i]) + " " + std::to_string(i) + "xx";
  }
  return text;
}

}  // namespace

json to_json(const Options& options, const Tally& tally) {
  const Counts total = tally.total();
  json result = to_json(options, total, tally.measured_seconds, 1);
  result["lag_ms"] = to_json(lag(options, tally, total));
  result["mean_queued"] = tally.queue_seconds / tally.measured_seconds;
  result["answers_per_connection"] = answers(tally.answers_per_connection);
  result["connections"] = options.connections;
  result["connections_established"] = tally.connections_established;
  result["connects"] = tally.connects;
  result["retried"] = tally.retried;
  result["idle_established"] = tally.idle_established;
  result["idle_open_at_end"] = tally.idle_open_at_end;
  result["seconds"] = tally.measured_seconds;
  result["generator_cpu_seconds"] = tally.cpu_seconds;
  result["generator_cpu_share"] = tally.cpu_seconds / tally.load_seconds;
  json classes = json::object();
  double weights = 0;
  for (const RequestClass& one : options.classes) weights += one.weight;
  for (std::size_t i = 0; i < options.classes.size(); ++i) {
    classes[options.classes[i].name] = to_json(options, tally.classes[i], tally.measured_seconds, options.classes[i].weight / weights);
    classes[options.classes[i].name]["path"] = options.classes[i].path;
    classes[options.classes[i].name]["weight"] = options.classes[i].weight;
  }
  result["classes"] = classes;
  result["arrivals"] = to_string(options.arrivals);
  result["ramp"] = options.ramp;
  result["seed"] = options.seed;
  result["timeout"] = options.timeout;
  result["invalid"] = reasons_to_doubt(options, tally);
  result["valid"] = result["invalid"].empty();
  return result;
}

json to_json(unsigned second, const Second& one) {
  return {{"second", second},       {"requests", one.answered}, {"unanswered", one.lost},
          {"in_flight", one.in_flight}, {"queued", one.queued},     {"response_ms", to_json(one.response)}};
}

std::string progress(const Options& options, unsigned second, const Second& one) {
  return std::to_string(second) + " of " + rounded(options.duration, 0) + " s · " + std::to_string(one.answered) +
         " answers" + (options.is_open() ? " (" + rounded(options.rate, 0) + " asked)" : "") + " · p50 " +
         rounded(one.response.quantile_ms(0.5), 2) + " ms · p99 " + rounded(one.response.quantile_ms(0.99), 2) +
         " ms · in flight " + std::to_string(one.in_flight) + " · waiting " + std::to_string(one.queued) +
         " · lost " + std::to_string(one.lost);
}

std::string summary(const Options& options, const Tally& tally) {
  Counts total = tally.total();
  auto times = [](const Latencies& all) {
    return "mean " + rounded(all.mean_ms(), 3) + ", p50 " + rounded(all.quantile_ms(0.5), 3) + ", p90 " +
           rounded(all.quantile_ms(0.9), 3) + ", p99 " + rounded(all.quantile_ms(0.99), 3) + ", p99.9 " +
           rounded(all.quantile_ms(0.999), 3) + ", max " + rounded(all.max_ms(), 3) + " ms\n";
  };
  std::string text = std::to_string(total.answered) + " answers to " + std::to_string(total.due) + " requests in " +
                     rounded(tally.measured_seconds, 2) + " s: " +
                     rounded(static_cast<double>(total.answers_in_window) / tally.measured_seconds, 1) + " a second" +
                     (options.is_open() ? " of " + rounded(options.ramp ? options.rate / 2 : options.rate, 1) + " asked" : "") + "\n";
  if (options.is_open()) text += "response, from when it was due:  " + times(total.response);
  text += "service, from when it was sent:  " + times(total.service);
  text += (options.is_open() ? "lag of the schedule itself:      " : "lag of the loop itself:          ") +
          times(lag(options, tally, total));
  if (total.statuses[2] < total.answered) text += "answers by status: " + by_status(total) + "\n";
  if (total.unanswered() > 0) {
    text += "never answered: " + std::to_string(total.unanswered()) + " (";
    std::string separator;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (total.lost[i] == 0) continue;
      text += separator + std::to_string(total.lost[i]) + " " + to_string(losses[i]);
      separator = ", ";
    }
    text += "); their times are at least what is counted for them\n";
  }
  if (tally.starved_connections > 0) {
    text += std::to_string(tally.starved_connections) + " of " + std::to_string(options.connections) +
            " connections never had an answer\n";
  }
  for (const std::string& reason : reasons_to_doubt(options, tally)) text += "INVALID: " + reason + "\n";
  return text;
}

}  // namespace corelab::load
