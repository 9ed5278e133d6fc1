// Idle keep-alive connections against a fixed number of blocking workers: the lesson (hold), and its cures.

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

// As many connections, idle behind one answered request.
std::vector<Client> idle_clients(const ServerProcess& server, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(server.address());
    const Reply reply = clients.back().ask(get_request("/plaintext"));
    EXPECT_EQ(reply.status(), 200) << reply.detail;
  }
  return clients;
}

class Starvation : public CoreTest {
 protected:
  ServerProcess serve_with_policy(const std::string& policy) const {
    return serve_with_workers(2, {"--keep-alive-policy", policy});
  }
  void expect_served_beside_idle_connections(const std::string& policy) const {
    auto server = serve_with_policy(policy);
    auto idle = idle_clients(server, 2);
    for (int i = 0; i < 3; ++i) {
      Reply reply;
      const Millis took = time_of([&] { reply = get(server.address(), "/plaintext"); });
      EXPECT_EQ(reply.status(), 200) << reply.detail;
      EXPECT_LT(took, patient(Millis(1'000))) << "newcomers wait for the idle deadline";
    }
  }
};

TEST_P(Starvation, policy_hold_makes_newcomers_wait_for_a_thread) {
  auto server = serve_with_policy("hold");
  auto idle = idle_clients(server, 2);
  Client newcomer(server.address());
  newcomer.send(get_request("/plaintext"));
  EXPECT_TRUE(newcomer.stays_silent(Millis(700))) << "two workers, two idle connections, and still served";
  idle.pop_back();
  EXPECT_EQ(newcomer.read_response().status(), 200);
}

TEST_P(Starvation, policy_yield_frees_a_thread_for_newcomers) {
  expect_served_beside_idle_connections("yield");
}

TEST_P(Starvation, policy_yield_is_the_default) {
  auto server = serve_with_workers(2);
  auto idle = idle_clients(server, 2);
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/plaintext"); });
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_LT(took, patient(Millis(1'000)));
}

TEST_P(Starvation, policy_yield_frees_a_thread_on_a_unix_socket_too) {
  const TempDir dir;
  auto server = serve_with_workers(2, {"-b", "unix:" + dir.path("socket")});
  auto idle = idle_clients(server, 2);
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/plaintext"); });
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_LT(took, patient(Millis(1'000)));
}

TEST_P(Starvation, policy_yield_keeps_connections_that_nobody_waits_behind) {
  auto server = serve_with_policy("yield");
  Client client(server.address());
  for (int i = 0; i < 20; ++i) {
    const Reply reply = client.ask(get_request("/plaintext"));
    ASSERT_EQ(reply.status(), 200) << reply.detail;
    EXPECT_FALSE(reply.response.says_close());
  }
}

TEST_P(Starvation, policy_yield_loses_no_request_that_was_already_sent) {
  auto server = serve_with_policy("yield");
  auto idle = idle_clients(server, 2);
  std::vector<Client> newcomers;
  for (int i = 0; i < 4; ++i) {
    newcomers.emplace_back(server.address());
    newcomers.back().send(get_request("/plaintext"));
  }
  for (auto& client : idle) client.send(get_request("/plaintext"));
  for (auto& client : newcomers) {
    const Reply reply = client.read_response();
    EXPECT_EQ(reply.status(), 200) << reply.detail;
  }
  for (auto& client : idle) {
    const Reply reply = client.read_response();
    EXPECT_TRUE(reply.status() == 200 || reply.ended == Ended::closed) << reply.detail;
  }
}

// Whoever has just connected has a first request on its way, however slowly: it is not idle.
TEST_P(Starvation, policy_yield_gives_a_new_connection_time_for_its_first_request) {
  auto server = serve_with_policy("yield");
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(server.address());
  std::this_thread::sleep_for(Millis(100));
  for (auto& client : clients) client.send(get_request("/plaintext"));
  for (auto& client : clients) {
    const Reply reply = client.read_response();
    EXPECT_EQ(reply.status(), 200) << reply.detail;
  }
}

TEST_P(Starvation, policy_yield_frees_a_thread_from_who_connects_and_says_nothing) {
  auto server = serve_with_policy("yield");
  std::vector<Client> silent;
  Reply reply;
  const Millis took = time_of([&] {
    for (int i = 0; i < 2; ++i) silent.emplace_back(server.address());
    reply = get(server.address(), "/plaintext");
  });
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_GE(took, Millis(900)) << "nothing was spared";
  EXPECT_LT(took, patient(Millis(3'000))) << "newcomers wait for --head-timeout";
}

TEST_P(Starvation, policy_close_ends_every_connection_behind_its_answer) {
  auto server = serve_with_policy("close");
  for (int i = 0; i < 3; ++i) {
    Client client(server.address());
    const Reply reply = client.ask(get_request("/plaintext"));
    EXPECT_EQ(reply.status(), 200) << reply.detail;
    EXPECT_TRUE(reply.response.says_close());
    EXPECT_EQ(client.read_rest().ended, Ended::closed);
  }
}

// A fixed number of workers, each blocked by one connection at a time.
bool can_starve(const Core& core) { return core.waiting == "blocking" && core.takes_workers; }
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Starvation);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(BlockingPools, Starvation, ::testing::ValuesIn(cores_where(can_starve)),
                         core_test_name);

using NoStarvation = CoreTest;

TEST_P(NoStarvation, idle_connections_cost_no_worker) {
  auto server = serve_with_workers(2);
  auto idle = idle_clients(server, 50);
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/plaintext"); });
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_LT(took, patient(Millis(1'000)));
  for (auto& client : idle) EXPECT_EQ(client.ask(get_request("/plaintext")).status(), 200);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NoStarvation);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(OtherCores, NoStarvation,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return !can_starve(core); })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
