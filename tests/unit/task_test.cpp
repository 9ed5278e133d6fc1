#include "common/app/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>

namespace corelab {
namespace {

/// Suspends whoever awaits it, until resume().
struct Gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
  void await_resume() const {}
  void resume() { std::exchange(waiting, {}).resume(); }
};

/// Says when it is destroyed.
struct Witness {
  explicit Witness(bool& flag) : gone(&flag) {}
  Witness(const Witness&) = delete;
  ~Witness() { *gone = true; }
  bool* gone;
};

Task<int> value(int n) { co_return n; }
Task<int> failing() {
  throw std::runtime_error("no");
  co_return 0;
}
Task<int> sum(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await sum(depth - 1);
}
Task<void> through(Gate& gate, int& stage) {
  stage = 1;
  co_await gate;
  stage = 2;
}
Task<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(7); }

TEST(Task, starts_when_told_and_gives_its_value) {
  Task<int> task = value(7);
  EXPECT_FALSE(task.done());
  task.start();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.result(), 7);
}

TEST(Task, values_may_be_move_only) {
  auto task = move_only();
  task.start();
  EXPECT_EQ(*task.result(), 7);
}

TEST(Task, what_it_throws_comes_out_of_result) {
  Task<int> task = failing();
  EXPECT_NO_THROW(task.start());
  EXPECT_TRUE(task.done());
  EXPECT_THROW(task.result(), std::runtime_error);
}

TEST(Task, what_it_throws_comes_out_of_co_await) {
  auto catching = []() -> Task<std::string> {
    try {
      co_await failing();
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing was thrown";
  };
  auto task = catching();
  task.start();
  EXPECT_EQ(task.result(), "no");
}

TEST(Task, nests_as_deep_as_memory_goes) {
  Task<int> task = sum(1'000);
  task.start();
  EXPECT_EQ(task.result(), 1'000);
}

TEST(Task, suspends_with_its_callers) {
  Gate gate;
  int stage = 0;
  auto outer = [&]() -> Task<int> {
    co_await through(gate, stage);
    co_return stage + 10;
  };
  Task<int> task = outer();
  task.start();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(stage, 1);
  gate.resume();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(task.result(), 12);
}

TEST(Task, destroyed_while_suspended_it_leaves_nothing) {
  Gate gate;
  bool inner_gone = false, outer_gone = false;
  auto inner = [&]() -> Task<void> {
    Witness witness(inner_gone);
    co_await gate;
  };
  auto outer = [&]() -> Task<void> {
    Witness witness(outer_gone);
    co_await inner();
  };
  {
    Task<void> task = outer();
    task.start();
    EXPECT_FALSE(inner_gone);
  }
  EXPECT_TRUE(inner_gone);
  EXPECT_TRUE(outer_gone);
}

TEST(Task, destroyed_before_its_start_it_never_runs) {
  Gate gate;
  int stage = 0;
  { Task<void> task = through(gate, stage); }
  EXPECT_EQ(stage, 0);
}

TEST(Task, moves_with_its_frame) {
  Task<int> task = value(1);
  Task<int> moved = std::move(task);
  EXPECT_FALSE(task);  // NOLINT: that is what is tested
  moved = value(2);
  moved.start();
  EXPECT_EQ(moved.result(), 2);
  EXPECT_FALSE(Task<int>());
}

TEST(FramePool, gives_a_frame_back_to_who_asks_next) {
  using Pool = detail::FramePool;
  void* first = Pool::take(200);
  Pool::give(first, 200);
  EXPECT_EQ(Pool::take(130), first) << "the same class: 129 to 256 bytes";
  void* other = Pool::take(300);
  EXPECT_NE(other, first);
  Pool::give(other, 300);
  Pool::give(first, 130);
}

TEST(FramePool, keeps_frames_apart) {
  using Pool = detail::FramePool;
  std::set<void*> frames;
  for (int i = 0; i < 1'000; ++i) frames.insert(Pool::take(100));
  EXPECT_EQ(frames.size(), 1'000u);
  for (void* frame : frames) Pool::give(frame, 100);  // more than it keeps: the rest goes to the heap
  std::set<void*> again;
  for (int i = 0; i < 1'000; ++i) again.insert(Pool::take(100));
  EXPECT_EQ(again.size(), 1'000u);
  for (void* frame : again) Pool::give(frame, 100);
}

TEST(FramePool, takes_what_is_too_large_from_the_heap) {
  using Pool = detail::FramePool;
  for (std::size_t size : {2048u, 2049u, 100'000u}) {
    void* frame = Pool::take(size);
    std::fill_n(static_cast<char*>(frame), size, 'x');
    Pool::give(frame, size);
  }
}

}  // namespace
}  // namespace corelab
