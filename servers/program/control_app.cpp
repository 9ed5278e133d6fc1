#include "servers/program/control_app.hpp"

#include <nlohmann/json.hpp>

namespace corelab {

namespace {

nlohmann::ordered_json counts(const WorkerCounters& row) {
  return {{"accepted", row.accepted.load()}, {"requests", row.requests.load()}};
}

nlohmann::ordered_json worker(const WorkerCounters& row, bool has_processes) {
  nlohmann::ordered_json json = counts(row);
  json["open"] = row.open.load();
  json["queue_depth"] = row.queue_depth.load();
  json["loop_lag_ms"] = static_cast<double>(row.loop_lag_us.load()) / 1000;
  if (has_processes) json["pid"] = row.pid.load();
  return json;
}

std::string stats(const CounterBoard& board, const std::string& core, unsigned workers, bool has_processes) {
  nlohmann::ordered_json json = {{"core", core}, {"workers", nlohmann::json::array()}};
  for (std::size_t i = 0; i < board.rows(); ++i) {
    bool in_use = has_processes ? board.row(i).pid.load() != 0 : i < workers;
    if (in_use) json["workers"].push_back(worker(board.row(i), has_processes));
  }
  if (has_processes) json["retired"] = counts(board.retired());
  return json.dump() + "\n";
}

}  // namespace

void add_control_routes(App& app, CounterBoard& board, std::string core, unsigned workers, bool has_processes) {
  app.get("/healthz", [&board](const Request&) {
    return board.closing() ? text("draining\n", 503) : text("ok\n");
  });
  app.get("/stats", [&board, core = std::move(core), workers, has_processes](const Request&) {
    return Response(200, json_text, stats(board, core, workers, has_processes));
  });
}

}  // namespace corelab
