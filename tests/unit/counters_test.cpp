#include "common/telemetry/counters.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>
#include <vector>

namespace corelab {
namespace {

TEST(CounterBoard, rows_do_not_share_cache_lines) {
  CounterBoard board(3);
  EXPECT_EQ(board.rows(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&board.row(i)) % 128, 0u);
    EXPECT_EQ(board.row(i).requests, 0u);
    EXPECT_EQ(board.row(i).pid, 0);
  }
}

TEST(CounterBoard, claims_each_row_once) {
  CounterBoard board(2);
  EXPECT_EQ(board.claim(100), 0u);
  EXPECT_EQ(board.claim(200), 1u);
  EXPECT_EQ(board.claim(300), std::nullopt);
  board.retire(0);
  EXPECT_EQ(board.claim(300), 0u);
  EXPECT_EQ(board.row(0).pid, 300);
}

TEST(CounterBoard, retiring_folds_counts_and_zeroes_gauges) {
  CounterBoard board(2);
  for (int generation = 1; generation <= 3; ++generation) {
    std::size_t row = board.claim(generation).value();
    board.row(row).accepted = 10;
    board.row(row).requests = 100;
    board.row(row).open = 5;
    board.row(row).queue_depth = 6;
    board.row(row).loop_lag_us = 7;
    board.row(row).heartbeat_ms = board.row(row).busy_since_ms = board.row(row).accepting = 1;
    board.retire(row);
    EXPECT_EQ(board.row(row).accepted, 0u);
    EXPECT_EQ(board.row(row).open, 0);
    EXPECT_EQ(board.row(row).queue_depth, 0);
    EXPECT_EQ(board.row(row).loop_lag_us, 0);
    EXPECT_EQ(board.row(row).heartbeat_ms, 0);
    EXPECT_EQ(board.row(row).busy_since_ms, 0);
    EXPECT_EQ(board.row(row).accepting, 0);
    EXPECT_EQ(board.row(row).pid, 0);
  }
  EXPECT_EQ(board.retired().accepted, 30u);
  EXPECT_EQ(board.retired().requests, 300u);
  EXPECT_EQ(board.retired().open, 0);
}

TEST(CounterBoard, is_shared_across_a_fork) {
  CounterBoard board(2);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int i = 0; i < 1000; ++i) WorkerCounters::add(board.row(1).requests);
    WorkerCounters::add(board.row(1).open, 3);
    board.others_wait() = true;
    board.orphaned_queues() |= 4;
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(board.row(1).requests, 1000u);
  EXPECT_EQ(board.row(1).open, 3);
  EXPECT_TRUE(board.others_wait());
  EXPECT_FALSE(board.closing());
  EXPECT_EQ(board.orphaned_queues(), 4u);
}

TEST(CounterBoard, counts_of_several_threads_add_up) {
  CounterBoard board(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) {
        WorkerCounters::add(board.row(0).accepted);
        WorkerCounters::add(board.row(0).open, n % 2 == 0 ? 1 : -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(board.row(0).accepted, 40'000u);
  EXPECT_EQ(board.row(0).open, 0);
}

}  // namespace
}  // namespace corelab
