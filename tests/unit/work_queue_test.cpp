#include "servers/thread_pool/work_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace corelab {
namespace {

using Queue = WorkQueue<int>;

void ignore(Queue::State) {}

TEST(WorkQueue, first_in_first_out) {
  Queue queue(ignore);
  for (int i = 0; i < 10; ++i) queue.push(i);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(queue.pop(), i);
}

TEST(WorkQueue, says_how_much_waits_for_a_thread) {
  std::vector<std::size_t> depths, unserved;
  Queue queue([&](Queue::State state) {
    depths.push_back(state.depth);
    unserved.push_back(state.unserved);
  });
  queue.push(1);
  queue.push(2);
  queue.pop();
  queue.pop();
  EXPECT_EQ(depths, (std::vector<std::size_t>{1, 2, 1, 0}));
  EXPECT_EQ(unserved, depths) << "no thread waits for work";
}

TEST(WorkQueue, work_for_a_free_thread_is_served) {
  std::atomic<bool> was_unserved{true};
  Queue queue([&](Queue::State state) {
    if (state.depth == 1) was_unserved = state.unserved != 0;
  });
  std::thread free([&] { EXPECT_EQ(queue.pop(), 1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until it waits
  queue.push(1);
  free.join();
  EXPECT_FALSE(was_unserved);
}

TEST(WorkQueue, gives_what_is_left_after_close_and_then_nothing) {
  Queue queue(ignore);
  queue.push(1);
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(WorkQueue, close_wakes_who_waits) {
  Queue queue(ignore);
  std::thread waiting([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
  queue.close();
  waiting.join();
}

TEST(WorkQueue, each_piece_is_done_once) {
  WorkQueue<std::unique_ptr<int>> queue([](WorkQueue<std::unique_ptr<int>>::State) {});
  std::atomic<int> sum{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (auto work = queue.pop()) sum += **work;
    });
  }
  for (int i = 1; i <= 10'000; ++i) queue.push(std::make_unique<int>(i));
  queue.close();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 50'005'000);
}

}  // namespace
}  // namespace corelab
