// Durations in bins: what it counts, how exact it is, and that rows of processes add up.

#include "common/telemetry/time_histogram.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "common/telemetry/lock_times.hpp"

namespace corelab {
namespace {

using namespace std::chrono_literals;

double ratio(std::chrono::nanoseconds a, std::chrono::nanoseconds b) {
  return static_cast<double>(a.count()) / static_cast<double>(b.count());
}

TEST(TimeHistogram, is_empty_at_first) {
  LockTimesBoard board(1);
  EXPECT_EQ(board.row(0).waited.count(), 0u);
  EXPECT_EQ(board.row(0).waited.quantile(0.5), 0ns);
}

TEST(TimeHistogram, every_magnitude_is_within_two_per_cent) {
  for (std::chrono::nanoseconds time : {10'000ns, 123'456ns, 5'000'000ns, 77'777'777ns, 3'000'000'000ns, 100'000'000'000ns}) {
    auto histogram = std::make_unique<TimeHistogram>();
    histogram->add(time);
    histogram->add(time * 2);  // so that the most is another
    histogram->add(time);
    EXPECT_NEAR(ratio(histogram->quantile(0.5), time), 1, 0.02) << time.count();
    EXPECT_EQ(histogram->most(), time * 2);
  }
}

TEST(TimeHistogram, quantiles_are_those_of_what_was_added) {
  auto histogram = std::make_unique<TimeHistogram>();
  for (int i = 1; i <= 1000; ++i) histogram->add(i * 1us);
  EXPECT_EQ(histogram->count(), 1000u);
  EXPECT_NEAR(ratio(histogram->quantile(0.5), 500us), 1, 0.02);
  EXPECT_NEAR(ratio(histogram->quantile(0.99), 990us), 1, 0.02);
  EXPECT_EQ(histogram->quantile(1), 1000us);
}

TEST(TimeHistogram, takes_what_no_clock_should_say) {
  auto histogram = std::make_unique<TimeHistogram>();
  histogram->add(-5ns);
  histogram->add(24h * 365);
  EXPECT_EQ(histogram->count(), 2u);
  EXPECT_GT(histogram->quantile(1), 200s);
}

TEST(LockTimes, a_dead_workers_counts_are_kept) {
  LockTimesBoard board(2);
  board.row(0).waited.add(5ms);
  board.row(0).held.add(1ms);
  board.row(0).uncontended = 3;
  board.retired().absorb(board.row(0));
  EXPECT_EQ(board.row(0).waited.count(), 0u);
  EXPECT_EQ(board.row(0).uncontended, 0u);
  EXPECT_EQ(board.retired().waited.count(), 1u);
  EXPECT_EQ(board.retired().held.count(), 1u);
  EXPECT_EQ(board.retired().uncontended, 3u);
  EXPECT_EQ(board.retired().waited.most(), 5ms);
}

}  // namespace
}  // namespace corelab
