// The histogram of times: bins, quantiles against sorted data, what lies outside the axis.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "benchmarks/load/latencies.hpp"

namespace corelab::load {
namespace {

TEST(Latencies, no_bin_is_wider_than_one_per_cent) {
  double lower = 1e-3;
  for (std::size_t bin = 0; bin < Latencies::bins(); ++bin) {
    EXPECT_LE(Latencies::upper_edge_ms(bin) / lower, 1.01 + 1e-9);
    lower = Latencies::upper_edge_ms(bin);
  }
  EXPECT_NEAR(lower, 1e5, 1);
}

TEST(Latencies, quantiles_are_those_of_the_sorted_data) {
  std::mt19937_64 engine(1);
  std::lognormal_distribution<double> draw(13, 2);  // around 0.4 ms
  Latencies times;
  std::vector<double> data;
  for (int i = 0; i < 50'000; ++i) {
    auto ns = static_cast<Ns>(draw(engine));
    times.add(ns);
    data.push_back(milliseconds(ns));
  }
  std::sort(data.begin(), data.end());
  for (double q : {0.5, 0.9, 0.99, 0.999}) {
    double exact = data[static_cast<std::size_t>(std::ceil(q * 50'000)) - 1];
    EXPECT_NEAR(times.quantile_ms(q), exact, exact * 0.01) << q;
  }
  EXPECT_DOUBLE_EQ(times.max_ms(), data.back());
  double sum = 0;
  for (double one : data) sum += one;
  EXPECT_NEAR(times.mean_ms(), sum / 50'000, 1e-6);
}

TEST(Latencies, one_time_is_every_quantile) {
  Latencies times;
  times.add(2'500'000);
  for (double q : {0.0, 0.5, 1.0}) EXPECT_DOUBLE_EQ(times.quantile_ms(q), 2.5);
}

TEST(Latencies, what_lies_outside_the_axis_is_kept) {
  Latencies times;
  times.add(10);
  times.add(from_seconds(500));
  EXPECT_EQ(times.count(), 2u);
  EXPECT_EQ(times.in_bin(0), 1u);
  EXPECT_EQ(times.in_bin(Latencies::bins() - 1), 1u);
  EXPECT_DOUBLE_EQ(times.max_ms(), 500'000);
}

TEST(Latencies, sums_and_starts_again) {
  Latencies a, b;
  a.add(1'000'000);
  b.add(3'000'000);
  a.add(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_DOUBLE_EQ(a.mean_ms(), 2);
  EXPECT_DOUBLE_EQ(a.max_ms(), 3);
  a.clear();
  EXPECT_EQ(a.count(), 0u);
  EXPECT_DOUBLE_EQ(a.quantile_ms(0.5), 0);
}

}  // namespace
}  // namespace corelab::load
