#include "common/telemetry/trace.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/temp_dir.hpp"

namespace corelab {
namespace {

using nlohmann::json;

TEST(Trace, is_json_with_a_track_a_thread) {
  test::TempDir dir;
  std::string path = dir.path("trace.json");
  Trace trace(path, 1000);
  trace.name_thread("main");
  Clock::time_point start = Clock::now();
  trace.slice("accept", start, start + std::chrono::microseconds(50), 7);
  std::thread([&] {
    trace.name_thread("worker");
    trace.slice("handler", start, start + std::chrono::milliseconds(2), 8);
    trace.flush_thread();
  }).join();
  trace.finish();

  json events = json::parse(test::read_file(path));
  ASSERT_TRUE(events.is_array());
  std::map<std::string, json> slices, names;
  for (const json& event : events) {
    if (event["ph"] == "X") slices[event["name"]] = event;
    if (event["ph"] == "M") names[event["args"]["name"]] = event;
  }
  EXPECT_EQ(slices.at("accept")["args"]["connection"], 7);
  EXPECT_NEAR(slices.at("accept")["dur"].get<double>(), 50, 0.01);
  EXPECT_NEAR(slices.at("handler")["dur"].get<double>(), 2000, 0.01);
  EXPECT_EQ(slices.at("handler")["tid"], names.at("worker")["tid"]);
  EXPECT_NE(slices.at("handler")["tid"], slices.at("accept")["tid"]);
}

TEST(Trace, stops_at_its_limit_and_stays_json) {
  test::TempDir dir;
  std::string path = dir.path("trace.json");
  Trace trace(path, 10);
  for (int i = 0; i < 1000; ++i) trace.slice("write", Clock::now(), Clock::now(), 1);
  trace.finish();
  std::size_t slices = 0;
  for (const json& event : json::parse(test::read_file(path))) slices += event["ph"] == "X" ? 1 : 0;
  EXPECT_EQ(slices, 10u);
}

TEST(Trace, processes_share_the_file) {
  test::TempDir dir;
  std::string path = dir.path("trace.json");
  Trace trace(path, 100'000);
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int n = 0; n < 5000; ++n) trace.slice("write", Clock::now(), Clock::now(), 1);
      trace.flush_thread();
      _exit(0);
    }
    children.push_back(child);
  }
  int status = 0;
  for (pid_t child : children) waitpid(child, &status, 0);
  trace.finish();
  std::map<int, int> slices;
  for (const json& event : json::parse(test::read_file(path))) {
    if (event["ph"] == "X") ++slices[event["pid"].get<int>()];
  }
  ASSERT_EQ(slices.size(), 3u);
  for (auto& [pid, n] : slices) EXPECT_EQ(n, 5000) << pid;
}

}  // namespace
}  // namespace corelab
