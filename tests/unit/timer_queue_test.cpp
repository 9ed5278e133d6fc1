#include "servers/driver/timer_queue.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>

namespace corelab {
namespace {

Deadline at(int n) { return Deadline(std::chrono::milliseconds(n)); }

struct Calls final : Timer {
  explicit Calls(std::function<void()> call) : on_call(std::move(call)) {}
  void on_time() override { on_call(); }
  std::function<void()> on_call;
};

TEST(TimerQueue, calls_in_order_what_is_due) {
  TimerQueue queue;
  std::vector<int> calls;
  std::vector<std::unique_ptr<Calls>> timers;
  for (int when : {5, 3, 8, 1, 9, 2}) {
    timers.push_back(std::make_unique<Calls>([&calls, when] { calls.push_back(when); }));
    queue.set(*timers.back(), at(when));
  }
  EXPECT_EQ(queue.next(), at(1));
  queue.run(at(5));
  EXPECT_EQ(calls, (std::vector{1, 2, 3, 5}));
  EXPECT_EQ(queue.next(), at(8));
  queue.run(at(7));
  EXPECT_EQ(calls.size(), 4u);
  queue.run(at(100));
  EXPECT_EQ(calls.size(), 6u);
  EXPECT_EQ(queue.next(), no_deadline);
}

TEST(TimerQueue, moves_and_clears) {
  TimerQueue queue;
  int calls = 0;
  Calls timer([&] { ++calls; });
  queue.clear(timer);  // was not set: nothing happens
  queue.set(timer, at(1));
  queue.set(timer, at(10));
  EXPECT_EQ(queue.next(), at(10));
  queue.set(timer, at(5));
  EXPECT_EQ(queue.next(), at(5));
  queue.clear(timer);
  EXPECT_FALSE(timer.is_set());
  queue.run(at(100));
  EXPECT_EQ(calls, 0);
}

TEST(TimerQueue, a_destroyed_timer_is_cleared) {
  TimerQueue queue;
  Calls other([] {});
  queue.set(other, at(2));
  {
    Calls timer([] { FAIL(); });
    queue.set(timer, at(1));
  }
  EXPECT_EQ(queue.next(), at(2));
}

TEST(TimerQueue, callbacks_may_set_clear_and_destroy_any_timer) {
  TimerQueue queue;
  int calls = 0;
  auto destroyed = std::make_unique<Calls>([] { FAIL() << "it was destroyed by an earlier one"; });
  Calls cleared([] { FAIL() << "it was cleared by an earlier one"; });
  Calls added([&] { ++calls; });
  std::unique_ptr<Calls> destroys_itself;
  destroys_itself = std::make_unique<Calls>([&] {
    ++calls;
    destroys_itself.reset();
  });
  Calls first([&] {
    ++calls;
    destroyed.reset();
    queue.clear(cleared);
    queue.set(added, at(1));  // due already
    queue.set(first, at(50));
  });
  queue.set(first, at(1));
  queue.set(*destroyed, at(2));
  queue.set(cleared, at(3));
  queue.set(*destroys_itself, at(4));
  queue.run(at(10));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(destroys_itself, nullptr);
  EXPECT_EQ(queue.next(), at(50));
}

TEST(TimerQueue, behaves_as_a_multimap_does) {
  TimerQueue queue;
  std::multimap<Deadline, std::size_t> model;
  std::vector<std::unique_ptr<Calls>> timers;
  std::vector<std::multimap<Deadline, std::size_t>::iterator> where(500, model.end());
  Deadline last_called = at(0);
  for (std::size_t i = 0; i < where.size(); ++i) {
    timers.push_back(std::make_unique<Calls>([&, i] {
      ASSERT_NE(where[i], model.end());
      EXPECT_EQ(where[i]->first, model.begin()->first) << "the earliest goes first";
      EXPECT_GE(where[i]->first, last_called);
      last_called = where[i]->first;
      model.erase(std::exchange(where[i], model.end()));
    }));
  }
  std::mt19937 random(1);
  int now = 0;
  for (int step = 0; step < 50'000; ++step) {
    std::size_t i = random() % where.size();
    switch (random() % 8) {
      case 0:
        if (where[i] != model.end()) model.erase(std::exchange(where[i], model.end()));
        queue.clear(*timers[i]);
        break;
      case 1: {
        now += static_cast<int>(random() % 20);
        last_called = at(0);
        queue.run(at(now));
        EXPECT_TRUE(model.empty() || model.begin()->first > at(now));
        break;
      }
      default: {
        Deadline when = at(now + static_cast<int>(random() % 1000));
        if (where[i] != model.end()) model.erase(where[i]);
        where[i] = model.emplace(when, i);
        queue.set(*timers[i], when);
        break;
      }
    }
    ASSERT_EQ(queue.next(), model.empty() ? no_deadline : model.begin()->first);
    ASSERT_EQ(timers[i]->is_set(), where[i] != model.end());
  }
}

}  // namespace
}  // namespace corelab
