#include "apps/wsgi/call_sampler.hpp"

#include <gtest/gtest.h>

namespace corelab::wsgi {
namespace {

using namespace std::chrono_literals;

struct Sampled {
  int calls = 0, long_ones = 0;
};

// `calls` calls, each as long as `length` says of its number.
template <class Length>
Sampled sample(int calls, const Length& length) {
  CallSampler sampler;
  Clock::time_point now = Clock::now();
  Sampled sampled;
  for (int i = 0; i < calls; ++i) {
    Clock::duration taken = length(i);
    if (sampler.takes([&] { return now; })) {
      ++sampled.calls;
      sampled.long_ones += taken >= 1ms;
    }
    now += taken;
  }
  return sampled;
}

TEST(CallSampler, takes_every_call_where_they_are_long) {
  EXPECT_EQ(sample(100, [](int) { return 5ms; }).calls, 100);
}

TEST(CallSampler, takes_one_a_millisecond_where_they_are_short) {
  Sampled sampled = sample(100'000, [](int) { return 20us; });
  EXPECT_NEAR(sampled.calls, 2'000, 200);
}

TEST(CallSampler, does_not_prefer_what_follows_a_long_call) {
  Sampled alternating = sample(1'000, [](int i) { return i % 2 == 0 ? Clock::duration(100us) : 10ms; });
  EXPECT_NEAR(alternating.long_ones, alternating.calls / 2.0, alternating.calls / 10.0);
  Sampled rare = sample(1'000'000, [](int i) { return i % 100 == 99 ? Clock::duration(10ms) : 20us; });
  EXPECT_NEAR(rare.long_ones, rare.calls / 100.0, rare.calls / 200.0);
}

}  // namespace
}  // namespace corelab::wsgi
