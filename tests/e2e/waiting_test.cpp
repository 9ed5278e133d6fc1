// What waiting means to a core: the difference between the models, seen from outside. Behaviour, not speed:
// the bounds are far apart.

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"

namespace corelab::test {
namespace {

constexpr int kClients = 8;
constexpr Millis kWait{200};
// Eight waits of 200 ms side by side, and one behind another.
const Millis kAtOnce = 3 * kWait;
constexpr Millis kInTurn = (kClients - 1) * kWait;

// The time until all of eight clients that ask at once have their answers.
Millis eight_at_once(const ServerProcess& server, const std::string& target) {
  std::vector<Client> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back(server.address());
  const Millis took = time_of([&] {
    for (auto& client : clients) client.send(get_request(target, "Connection: close\r\n"));
    for (auto& client : clients) EXPECT_EQ(client.read_response().status(), 200);
  });
  std::cout << "  8 x " << target << ": " << took.count() << " ms\n";
  return took;
}

const std::string kSleep = "/sleep?ms=200";
const std::string kBlock = "/block?ms=200";
const std::string kOffload = "/offload?ms=200";

using OneLoop = CoreTest;

TEST_P(OneLoop, sleeps_side_by_side) {
  EXPECT_LT(eight_at_once(serve_with_workers(1), kSleep), patient(kAtOnce));
}

TEST_P(OneLoop, blocks_one_behind_another) {
  EXPECT_GE(eight_at_once(serve_with_workers(1), kBlock), kInTurn);
}

TEST_P(OneLoop, blocking_handler_stops_everyone_else) {
  const auto server = serve_with_workers(1);
  Client blocker(server.address());
  blocker.send(get_request("/block?ms=600"));
  std::this_thread::sleep_for(Millis(100));
  EXPECT_GE(time_of([&] { EXPECT_EQ(get(server.address(), "/plaintext").status(), 200); }), Millis(300));
}

TEST_P(OneLoop, offloaded_blocks_run_side_by_side) {
  EXPECT_LT(eight_at_once(serve_with_workers(1, {"--offload", "8"}), kBlock), patient(kAtOnce));
}

TEST_P(OneLoop, offloading_a_blocking_route_keeps_everyone_else_going) {
  const auto server = serve_with_workers(1, {"--offload", "8"});
  Client blocker(server.address());
  blocker.send(get_request("/block?ms=1000"));
  std::this_thread::sleep_for(Millis(100));
  EXPECT_LT(time_of([&] { EXPECT_EQ(get(server.address(), "/plaintext").status(), 200); }),
            patient(Millis(500)));
  EXPECT_EQ(blocker.read_response().status(), 200);
}

TEST_P(OneLoop, offload_of_a_handler_uses_its_helper_threads) {
  EXPECT_LT(eight_at_once(serve_with_workers(1, {"--offload-threads", "8"}), kOffload), patient(kAtOnce));
  // Four helpers by default: two rounds.
  EXPECT_GE(eight_at_once(serve_with_workers(1), kOffload), 2 * kWait - Millis(20));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OneLoop);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(EventedCores, OneLoop,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return core.evented(); })),
                         core_test_name);

// The kernel gives a connection to a queue by its addresses, whoever is busy.
using TwoLoops = CoreTest;

TEST_P(TwoLoops, newcomers_of_the_blocked_one_wait_though_the_other_is_idle) {
  const auto server = serve_with_workers(2);
  Client blocker(server.address());
  blocker.send(get_request("/block?ms=1500"));
  std::this_thread::sleep_for(Millis(100));
  // Of 24 the hash gives each loop at least one: 2 in 2^24 is not this test's to meet.
  std::vector<Client> newcomers;
  for (int i = 0; i < 24; ++i) {
    newcomers.emplace_back(server.address());
    newcomers.back().send(get_request("/plaintext"));
  }
  std::this_thread::sleep_for(Millis(700));
  int waiting = 0;
  for (auto& newcomer : newcomers) waiting += newcomer.await_bytes(1, Millis(10)) ? 0 : 1;
  std::cout << "  " << waiting << " of 24 newcomers wait for the blocked loop\n";
  EXPECT_GT(waiting, 0);
  EXPECT_LT(waiting, 24);
  for (auto& newcomer : newcomers) EXPECT_EQ(newcomer.read_response().status(), 200);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TwoLoops);
INSTANTIATE_TEST_SUITE_P(ReuseportCores, TwoLoops, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.evented() && core.takes_workers;
                         })),
                         core_test_name);

// A core without a worker count has a thread for each connection; the others are given one worker a client.
using EnoughThreads = CoreTest;

TEST_P(EnoughThreads, sleeps_side_by_side) {
  EXPECT_LT(eight_at_once(serve_with_workers(kClients), kSleep), patient(kAtOnce));
}
TEST_P(EnoughThreads, blocks_side_by_side) {
  EXPECT_LT(eight_at_once(serve_with_workers(kClients), kBlock), patient(kAtOnce));
}
TEST_P(EnoughThreads, offloads_side_by_side) {
  EXPECT_LT(eight_at_once(serve_with_workers(kClients), kOffload), patient(kAtOnce));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EnoughThreads);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(BlockingCores, EnoughThreads,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return !core.evented(); })),
                         core_test_name);

using TooFewThreads = CoreTest;

TEST_P(TooFewThreads, sleep_in_turns) {
  EXPECT_GE(eight_at_once(serve_with_workers(2), kSleep), kClients / 2 * kWait - Millis(20));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TooFewThreads);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(BlockingPools, TooFewThreads, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return !core.evented() && core.takes_workers;
                         })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
