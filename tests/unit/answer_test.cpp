// Who answers: every order of the steps that a loop and a helper may take.

#include <gtest/gtest.h>

#include <thread>

#include "servers/driver/answer.hpp"

namespace corelab {
namespace {

using State = Answer::State;

TEST(Answer, is_the_helpers_once_it_is_taken) {
  Answer answer;
  EXPECT_FALSE(answer.take()) << "it was not offered";
  answer.offer();
  EXPECT_TRUE(answer.may_be_helpers());
  EXPECT_TRUE(answer.take());
  EXPECT_FALSE(answer.take());
  EXPECT_FALSE(answer.due());
  EXPECT_TRUE(answer.may_be_helpers());
  answer.finish(State::sent_in_part);
  EXPECT_FALSE(answer.may_be_helpers());
  EXPECT_EQ(answer.settle(), State::sent_in_part);
  EXPECT_EQ(answer.state(), State::loops);
}

TEST(Answer, is_overdue_when_the_loop_comes_first) {
  Answer answer;
  answer.offer();
  EXPECT_TRUE(answer.due());
  EXPECT_FALSE(answer.take());
  EXPECT_FALSE(answer.due()) << "said once";
  EXPECT_EQ(answer.settle(), State::overdue);
  EXPECT_TRUE(answer.due()) << "of a handler that only offloads";
}

TEST(Answer, is_taken_by_one_of_two) {
  for (int i = 0; i < 2'000; ++i) {
    Answer answer;
    answer.offer();
    bool is_taken = false;
    std::thread helper([&] { is_taken = answer.take(); });
    bool is_due = answer.due();
    helper.join();
    EXPECT_NE(is_taken, is_due);
  }
}

}  // namespace
}  // namespace corelab
