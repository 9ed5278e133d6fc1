// Every gate fires on the tally that is wrong in its way, and none on a good one.

#include <gtest/gtest.h>

#include <string>

#include "benchmarks/load/gates.hpp"

namespace corelab::load {
namespace {

Options open_options() {
  Options options;
  options.arrivals = Arrivals::poisson;
  options.rate = 100;
  options.connections = 2;
  options.classes = {{"all", 1, "/"}};
  return options;
}

// A thousand requests in ten seconds, 10 ms each: one in flight on the average.
Tally good_tally() {
  Tally tally;
  tally.measured_seconds = 10;
  tally.connections_established = 2;
  Counts counts;
  counts.due = counts.answered = counts.sent_in_time = 1000;
  for (int i = 0; i < 1000; ++i) {
    counts.response.add(11'000'000);
    counts.service.add(10'000'000);
    counts.lag.add(20'000);
  }
  counts.flight_seconds = counts.flight_seconds_by_request = 10;
  tally.classes = {counts};
  return tally;
}

void expect_reason(const Options& options, const Tally& tally, const std::string& words) {
  const auto reasons = reasons_to_doubt(options, tally);
  ASSERT_EQ(reasons.size(), 1u) << (reasons.empty() ? "no reason" : reasons.back());
  EXPECT_NE(reasons[0].find(words), std::string::npos) << reasons[0];
}

TEST(Gates, a_good_run_passes) { EXPECT_TRUE(reasons_to_doubt(open_options(), good_tally()).empty()); }

TEST(Gates, nothing_was_due) {
  Tally tally = good_tally();
  tally.classes = {Counts{}};
  expect_reason(open_options(), tally, "no request was due");
}

TEST(Gates, connections_are_missing) {
  Tally tally = good_tally();
  tally.connections_established = 1;
  tally.first_problem = "Connection refused";
  expect_reason(open_options(), tally, "fewer than 2 connections were established: Connection refused");
}

TEST(Gates, idle_connections_are_missing) {
  Options options = open_options();
  options.idle = 10;
  Tally tally = good_tally();
  tally.idle_established = 9;
  expect_reason(options, tally, "fewer than 10 idle connections");
}

TEST(Gates, idle_connections_did_not_stay) {
  Options options = open_options();
  options.idle = 10;
  Tally tally = good_tally();
  tally.idle_established = 10;
  tally.idle_open_at_end = 9;
  expect_reason(options, tally, "still open at the end");
}

TEST(Gates, the_generator_was_late) {
  Tally tally = good_tally();
  for (int i = 0; i < 20; ++i) tally.classes[0].lag.add(5'000'000);
  expect_reason(open_options(), tally, "the generator was late");
}

TEST(Gates, the_rate_was_not_kept) {
  Tally tally = good_tally();
  tally.classes[0].sent_in_time = 970;
  expect_reason(open_options(), tally, "the rate was not kept: less than 98%");
}

TEST(Gates, answers_that_were_under_way_at_the_end_are_no_lost_rate) {
  Options options = open_options();
  options.rate = 10;
  Tally tally = good_tally();
  tally.measured_seconds = 5;
  Counts counts;  // half a second each: five are under way at the end, and none waits for a connection
  counts.due = counts.answered = counts.sent_in_time = 50;
  counts.answers_in_window = 45;
  tally.classes = {counts};
  EXPECT_TRUE(reasons_to_doubt(options, tally).empty());
}

TEST(Gates, requests_were_never_answered) {
  Tally tally = good_tally();
  tally.classes[0].lost[static_cast<std::size_t>(Loss::timeout)] = 2;
  expect_reason(open_options(), tally, "more than 0.1% of the requests were never answered");
}

TEST(Gates, answers_were_errors) {
  Tally tally = good_tally();
  tally.classes[0].statuses[5] = 1;
  expect_reason(open_options(), tally, "status of 400 or more");
}

TEST(Gates, littles_law_does_not_hold) {
  Tally tally = good_tally();
  tally.classes[0].flight_seconds = 9.7;
  expect_reason(open_options(), tally, "Little's law");
  tally.classes[0].flight_seconds = 9.9;
  EXPECT_TRUE(reasons_to_doubt(open_options(), tally).empty());
}

TEST(Gates, a_closed_loop_has_no_schedule_to_keep) {
  Options options = open_options();
  options.arrivals = Arrivals::closed;
  Tally tally = good_tally();
  tally.classes[0].lag.clear();
  tally.classes[0].sent_in_time = 900;
  EXPECT_TRUE(reasons_to_doubt(options, tally).empty());
}

TEST(Gates, a_closed_loop_that_had_no_cpu_is_invalid) {
  Options options = open_options();
  options.arrivals = Arrivals::closed;
  Tally tally = good_tally();
  tally.classes[0].lag.clear();
  for (int i = 0; i < 980; ++i) tally.loop_lag.add(20'000);
  EXPECT_TRUE(reasons_to_doubt(options, tally).empty());
  for (int i = 0; i < 20; ++i) tally.loop_lag.add(5'000'000);
  expect_reason(options, tally, "the generator was late: the 99th percentile of its loop's lag");
}

}  // namespace
}  // namespace corelab::load
