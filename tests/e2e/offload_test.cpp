// `--offload`: a helper makes a blocking route's call and sends its answer, while the loop goes on watching the client.

#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/busy_clients.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"

namespace corelab::test {
namespace {

class Offload : public CoreTest {
 protected:
  ServerProcess offload(Arguments more = {}) const {
    more.insert(more.end(), {"--offload", "2"});
    return serve_with_workers(1, more);
  }
};

TEST_P(Offload, one_connection_asks_again_and_again) {
  const auto server = offload();
  Client client(server.address());
  for (int i = 0; i < 200; ++i) {
    const std::string target = i % 3 == 2 ? "/plaintext" : "/block?ms=1";
    const Reply reply = client.ask(get_request(target));
    ASSERT_EQ(reply.status(), 200) << i << ": " << reply.detail;
    ASSERT_FALSE(reply.response.says_close());
  }
}

TEST_P(Offload, pipelined_calls_are_answered_in_their_order) {
  const auto server = offload();
  Client client(server.address());
  client.send(get_request("/block?ms=20") + get_request("/plaintext") + get_request("/block?ms=1") +
              get_request("/json"));
  std::vector<std::string> bodies;
  for (int i = 0; i < 4; ++i) bodies.push_back(client.read_response().body());
  for (const std::string target : {"/block?ms=20", "/plaintext", "/block?ms=1", "/json"}) {
    EXPECT_EQ(bodies[0], get(server.address(), target).body()) << target;
    bodies.erase(bodies.begin());
  }
}

TEST_P(Offload, who_asks_again_before_the_call_is_made_is_answered_behind_it) {
  const auto server = offload();
  for (int i = 0; i < 5; ++i) {
    Client client(server.address());
    client.send(get_request("/block?ms=60"));
    std::this_thread::sleep_for(Millis(20 + 10 * i));  // before, about when, and after it is made
    client.send(get_request("/plaintext"));
    EXPECT_EQ(client.read_response().status(), 200) << i;
    EXPECT_EQ(client.read_response().body(), get(server.address(), "/plaintext").body()) << i;
  }
}

TEST_P(Offload, half_closing_behind_a_request_gets_its_answer_and_the_end) {
  const auto server = offload();
  for (const int wait : {0, 40}) {
    Client client(server.address());
    client.send(get_request("/block?ms=20"));
    std::this_thread::sleep_for(Millis(wait));
    client.half_close();
    EXPECT_EQ(client.read_response().status(), 200) << wait;
    EXPECT_EQ(client.read_rest().ended, Ended::closed) << wait;
  }
}

TEST_P(Offload, the_idle_deadline_runs_from_the_answer_on) {
  const auto server = offload({"--keep-alive", "1"});
  Client client(server.address());
  ASSERT_EQ(client.ask(get_request("/block?ms=5")).status(), 200);
  const Millis took = time_of([&] { EXPECT_EQ(client.read_rest().ended, Ended::closed); });
  EXPECT_GE(took, Millis(800));
  EXPECT_LT(took, patient(Millis(2'500)));
}

TEST_P(Offload, the_deadline_answers_for_a_call_that_is_late_and_for_no_other) {
  const auto server = offload({"--request-timeout", "0.3"});
  Client late(server.address());
  const Reply reply = late.ask(get_request("/block?ms=900"));
  EXPECT_EQ(reply.status(), 504);
  EXPECT_EQ(late.read_rest().ended, Ended::closed);
  Client client(server.address());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.ask(get_request("/block?ms=5")).status(), 200);
    std::this_thread::sleep_for(Millis(400));  // past the deadline of a request that was answered
  }
}

TEST_P(Offload, calls_that_come_together_are_made_together_behind_short_ones_too) {
  const auto server = offload();
  Client one(server.address()), other(server.address());
  for (int i = 0; i < 50; ++i) ASSERT_EQ(one.ask(get_request("/block?ms=0")).status(), 200);
  const std::vector<pid_t> children = children_of(server.pid());
  const pid_t loop = children.empty() ? server.pid() : children.front();
  kill(loop, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return is_stopped(loop); }, Millis(3'000)));
  for (Client* client : {&one, &other}) client->send(get_request("/block?ms=1500"));
  kill(loop, SIGCONT);
  const Millis took = time_of([&] {
    for (Client* client : {&one, &other}) EXPECT_EQ(client->read_response().status(), 200);
  });
  EXPECT_LT(took, Millis(2'900)) << "one after the other";
}

TEST_P(Offload, an_answer_does_not_wait_for_a_loop_that_computes) {
  const auto server = offload();
  Client answered(server.address()), computing(server.address());
  ASSERT_EQ(computing.ask(get_request("/plaintext")).status(), 200);
  answered.send(get_request("/block?ms=300"));
  std::this_thread::sleep_for(Millis(50));
  computing.send(get_request("/cpu?us=3000000"));
  EXPECT_EQ(answered.read_response().status(), 200);
  EXPECT_TRUE(computing.stays_silent(Millis(1))) << "the loop was there for both";
  EXPECT_EQ(computing.read_response().status(), 200);
  EXPECT_EQ(answered.ask(get_request("/plaintext")).status(), 200);
}

TEST_P(Offload, a_drain_does_not_wait_for_who_was_answered) {
  auto server = offload({"--keep-alive", "60"});
  Client client(server.address());
  ASSERT_EQ(client.ask(get_request("/block?ms=1")).status(), 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(Offload, nothing_is_counted_as_queued_once_it_is_answered) {
  const auto server = offload();
  Client client(server.address());
  for (int i = 0; i < 20; ++i) ASSERT_EQ(client.ask(get_request("/block?ms=1")).status(), 200);
  for (const auto& worker : nlohmann::json::parse(get(server.address(), "/stats").body()).at("workers"))
    EXPECT_EQ(worker.at("queue_depth"), 0) << worker;
}

TEST_P(Offload, a_drain_under_load_loses_no_request) {
  auto server = offload({"--graceful-timeout", "15"});
  std::vector<BusyClients::Target> targets;
  for (const std::string path : {"/block?ms=1", "/plaintext", "/db?id=7"})
    targets.push_back({path, get(server.address(), path).body()});
  BusyClients clients(server.address(), 32, targets);
  ASSERT_TRUE(clients.await_answers(1'000, Millis(20'000)));
  server.signal(SIGTERM);
  const auto code = server.wait_exit(Millis(15'000));
  const Tally tally = clients.stop();
  EXPECT_EQ(code, 0) << server.errors();
  EXPECT_EQ(tally.failures(), 0u) << tally;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Offload);
INSTANTIATE_TEST_SUITE_P(LoopCores, Offload,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return core.evented(); })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
