#include "servers/program/control_app.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

namespace corelab {

namespace {

nlohmann::ordered_json counts(const WorkerCounters& row) {
  return {{"accepted", row.accepted.load()}, {"requests", row.requests.load()}};
}

double microseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1000; }

nlohmann::ordered_json times(const TimeHistogram& histogram) {
  return {{"count", histogram.count()},
          {"p50", microseconds(histogram.quantile(0.5))},
          {"p99", microseconds(histogram.quantile(0.99))},
          {"max", microseconds(histogram.most())}};
}

void add_lock_times(nlohmann::ordered_json& json, const LockTimes& lock) {
  json["gil_wait_us"] = times(lock.waited);
  json["gil_held_us"] = times(lock.held);
  json["gil_uncontended"] = lock.uncontended.load();
}

nlohmann::ordered_json worker(const WorkerCounters& row, bool has_processes) {
  nlohmann::ordered_json json = counts(row);
  json["open"] = row.open.load();
  json["queue_depth"] = row.queue_depth.load();
  json["loop_lag_ms"] = static_cast<double>(row.loop_lag_us.load()) / 1000;
  if (has_processes) json["pid"] = row.pid.load();
  return json;
}

std::string stats(const CounterBoard& board, LockTimesBoard* lock_times, const std::string& core, unsigned workers,
                  bool has_processes) {
  nlohmann::ordered_json json = {{"core", core}, {"workers", nlohmann::json::array()}};
  for (std::size_t i = 0; i < board.rows(); ++i) {
    bool in_use = has_processes ? board.row(i).pid.load() != 0 : i < workers;
    if (!in_use) continue;
    json["workers"].push_back(worker(board.row(i), has_processes));
    if (lock_times != nullptr) add_lock_times(json["workers"].back(), lock_times->row(i));
  }
  if (has_processes) {
    json["retired"] = counts(board.retired());
    if (lock_times != nullptr) add_lock_times(json["retired"], lock_times->retired());
  }
  return json.dump() + "\n";
}

}  // namespace

void add_control_routes(App& app, CounterBoard& board, LockTimesBoard* lock_times, std::string core, unsigned workers,
                        bool has_processes) {
  app.get("/healthz", [&board](const Request&) {
    return board.closing() ? text("draining\n", 503) : text("ok\n");
  });
  app.get("/stats", [&board, lock_times, core = std::move(core), workers, has_processes](const Request&) {
    return Response(200, json_text, stats(board, lock_times, core, workers, has_processes));
  });
}

}  // namespace corelab
