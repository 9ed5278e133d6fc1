#include "servers/evented/helper_threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <list>
#include <thread>

namespace corelab {
namespace {

using namespace std::chrono_literals;

constexpr auto soon = 20s;  // what must happen happens long before

class Helpers {
 public:
  explicit Helpers(unsigned threads) : threads_(threads, [](HelperJob&) { ++done; }, waiting, nullptr) { done = 0; }

  HelperJob& submit(std::function<void()> call) {
    Call& made = calls_.emplace_back(std::move(call));
    threads_.submit(made.job);
    return made.job;
  }
  HelperThreads* operator->() { return &threads_; }

  std::atomic<std::int64_t> waiting{0};
  static inline std::atomic<int> done;

 private:
  struct Call {
    explicit Call(std::function<void()> to_make) : call(std::move(to_make)), operation{Waiter::Operation::Kind::offload} {
      operation.call = [](void* callable) { (*static_cast<std::function<void()>*>(callable))(); };
      operation.callable = &call;
      job.operation = &operation;
    }
    std::function<void()> call;
    Waiter::Operation operation;
    HelperJob job;
  };

  std::list<Call> calls_;
  HelperThreads threads_;
};

/// Two calls, each of which ends when the other has begun.
class Pair {
 public:
  void submit_to(Helpers& helpers) {
    helpers.submit([this] { meet(first_, second_); });
    helpers.submit([this] { meet(second_, first_); });
  }
  bool have_met() { return met_[0].get_future().get() && met_[1].get_future().get(); }

 private:
  void meet(std::promise<void>& mine, std::promise<void>& other) {
    mine.set_value();
    met_[&mine == &second_].set_value(other.get_future().wait_for(soon) == std::future_status::ready);
  }
  std::promise<void> first_, second_;
  std::promise<bool> met_[2];
};

TEST(HelperThreads, make_each_call_once_and_finish_what_is_queued) {
  std::atomic<int> sum{0};
  {
    Helpers helpers(4);
    for (int i = 1; i <= 10'000; ++i) {
      helpers.submit([&sum, i] { sum += i; });
      if (i % 3 == 0) helpers->begin();
      if (i % 100 == 0) helpers->hurry();
    }
  }
  EXPECT_EQ(sum, 50'005'000);
  EXPECT_EQ(Helpers::done, 10'000);
}

TEST(HelperThreads, see_no_job_before_it_begins) {
  bool was_made = false;
  Helpers helpers(1);
  std::promise<void> made;
  helpers.submit([&] { made.set_value(); });
  helpers->begin();
  made.get_future().wait();
  HelperJob& job = helpers.submit([&] { was_made = true; });
  helpers->hurry();
  std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(helpers->withdraw(job));
  EXPECT_FALSE(was_made);
}

TEST(HelperThreads, one_that_finds_more_than_it_takes_wakes_the_next) {
  Helpers helpers(2);
  Pair pair;
  pair.submit_to(helpers);
  helpers->begin();
  EXPECT_TRUE(pair.have_met());
}

TEST(HelperThreads, hurry_gives_a_helper_to_what_one_with_short_calls_has_left) {
  Helpers helpers(2);
  for (int i = 1; i <= 20; ++i) {
    helpers.submit([] {});
    helpers->begin();
    while (Helpers::done < i) std::this_thread::sleep_for(1ms);
  }
  Pair pair;
  pair.submit_to(helpers);
  helpers->begin();
  std::this_thread::sleep_for(10ms);
  helpers->hurry();
  EXPECT_TRUE(pair.have_met());
}

TEST(HelperThreads, what_has_not_begun_can_be_taken_back) {
  std::promise<void> begun, ended;
  bool was_made = false;
  {
    Helpers helpers(1);
    HelperJob& first = helpers.submit([&] {
      begun.set_value();
      ended.get_future().wait();
    });
    helpers->begin();
    begun.get_future().wait();
    HelperJob& second = helpers.submit([&] { was_made = true; });
    EXPECT_TRUE(helpers->begin()) << "one is queued";
    HelperJob& third = helpers.submit([&] { was_made = true; });
    EXPECT_FALSE(helpers->begin()) << "two are queued, more than a helper takes";
    HelperJob& fourth = helpers.submit([&] { was_made = true; });
    EXPECT_EQ(helpers.waiting, 3);
    EXPECT_TRUE(helpers->withdraw(second));
    EXPECT_TRUE(helpers->withdraw(third));
    EXPECT_TRUE(helpers->withdraw(fourth)) << "submitted, and not begun";
    EXPECT_EQ(helpers.waiting, 0);
    EXPECT_FALSE(helpers->withdraw(first));
    ended.set_value();
  }
  EXPECT_FALSE(was_made);
  EXPECT_EQ(Helpers::done, 1);
}

TEST(HelperThreads, say_since_when_the_longest_call_is_made) {
  Helpers helpers(2);
  EXPECT_EQ(helpers->oldest_call(), Clock::time_point::max());
  const Clock::time_point before = Clock::now();
  std::promise<void> begun, ended;
  helpers.submit([&] {
    begun.set_value();
    ended.get_future().wait();
  });
  helpers->begin();
  begun.get_future().wait();
  EXPECT_GE(helpers->oldest_call(), before);
  EXPECT_LE(helpers->oldest_call(), Clock::now());
  ended.set_value();
  while (helpers->oldest_call() != Clock::time_point::max()) std::this_thread::sleep_for(1ms);
}

}  // namespace
}  // namespace corelab
