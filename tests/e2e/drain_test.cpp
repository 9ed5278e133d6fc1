// TERM: no request is lost under load; what waits is answered, what lingers is bounded, and the exit code
// says which.

#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/busy_clients.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

std::vector<BusyClients::Target> mixed_targets(const std::string& address) {
  std::vector<BusyClients::Target> targets;
  for (const std::string path : {"/plaintext", "/sleep?ms=20", "/bytes?n=50000", "/json"})
    targets.push_back({path, get(address, path).body()});
  return targets;
}

using Drain = CoreTest;

TEST_P(Drain, term_under_64_busy_clients_loses_no_request) {
  auto server = serve({"--graceful-timeout", "15"});
  BusyClients clients(server.address(), 64, mixed_targets(server.address()));
  ASSERT_TRUE(clients.await_answers(1'000, Millis(20'000)));
  server.signal(SIGTERM);
  const auto code = server.wait_exit(Millis(15'000));
  std::this_thread::sleep_for(Millis(200));  // the clients find nobody listening
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": " << tally << "\n";
  EXPECT_EQ(code, 0) << server.errors();
  EXPECT_EQ(tally.failures(), 0u) << tally;
  EXPECT_GT(tally.refusals, 0u) << "it still listens";
}

TEST_P(Drain, int_drains_too) {
  auto server = serve();
  ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  server.signal(SIGINT);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(Drain, request_in_flight_is_answered_with_close) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10"});
  Client client(server.address());
  client.send(get_request("/sleep?ms=700"));
  std::this_thread::sleep_for(Millis(200));
  server.signal(SIGTERM);
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_TRUE(reply.response.says_close());
  EXPECT_EQ(client.read_rest().ended, Ended::closed);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
}

TEST_P(Drain, connections_that_are_queued_are_served) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "15"});
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(server.address());
    clients.back().send(get_request("/sleep?ms=100"));
  }
  server.signal(SIGTERM);
  for (auto& client : clients) {
    const Reply reply = client.read_response();
    EXPECT_EQ(reply.status(), 200) << reply.detail;
  }
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
}

TEST_P(Drain, of_a_unix_socket_serves_who_is_queued_and_leaves_the_name_to_a_successor) {
  const TempDir dir;
  const std::string address = "unix:" + dir.path("socket");
  auto server = serve_with_workers(2, {"-b", address, "--graceful-timeout", "15"});
  std::vector<Client> clients;
  for (int i = 0; i < 10; ++i) {
    clients.emplace_back(address);
    clients.back().send(get_request("/sleep?ms=200"));
  }
  server.signal(SIGTERM);
  int error = 0;
  EXPECT_TRUE(eventually([&] { return !Client::connect(address, Millis(100), error).has_value(); }, Millis(3'000)))
      << "it still listens";
  const auto successor = serve_with_workers(2, {"-b", address});
  for (auto& client : clients) {
    const Reply reply = client.read_response();
    EXPECT_EQ(reply.status(), 200) << reply.detail;
  }
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(get(address, "/plaintext").status(), 200) << "the old server took the new one's name along";
}

TEST_P(Drain, body_in_the_middle_of_its_way_is_awaited) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10", "--drain-grace", "2"});
  Client client(server.address());
  const std::string whole = post_request("/echo", std::string(1000, 'b'));
  client.send(whole.substr(0, whole.size() - 500));
  std::this_thread::sleep_for(Millis(200));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(300));
  client.send(whole.substr(whole.size() - 500));
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_EQ(reply.body(), std::string(1000, 'b'));
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
}

TEST_P(Drain, large_answer_on_its_way_is_finished) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "15"});
  Client client(server.address());
  client.send(get_request("/bytes?n=16777216"));
  ASSERT_TRUE(client.await_bytes(1));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(300));
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_EQ(reply.body().size(), 16'777'216u);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
}

TEST_P(Drain, idle_connections_do_not_hold_it_up) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "20", "--keep-alive", "60"});
  Client used(server.address());
  ASSERT_EQ(used.ask(get_request("/plaintext")).status(), 200);
  Client fresh(server.address());
  const Millis took = time_of([&] {
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(8'000)), 0) << server.errors();
  });
  EXPECT_LT(took, patient(Millis(4'000)));
  const Rest rest = used.read_rest();
  EXPECT_EQ(rest.ended, Ended::closed) << name_of(rest.ended);
  EXPECT_EQ(rest.bytes, "");
}

TEST_P(Drain, first_request_of_a_new_connection_is_awaited_a_little_longer_than_the_grace) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "15", "--drain-grace", "0"});
  Client fresh(server.address());
  std::this_thread::sleep_for(Millis(50));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(150));
  const Reply reply = fresh.ask(get_request("/plaintext"));
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_TRUE(reply.response.says_close());
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
}

TEST_P(Drain, healthz_is_503_meanwhile) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "15", "--drain-grace", "3"});
  Client prober(server.address());
  ASSERT_EQ(prober.ask(get_request("/healthz")).status(), 200);
  Client busy(server.address());
  busy.send(get_request("/sleep?ms=1000"));
  std::this_thread::sleep_for(Millis(100));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(300));
  const Reply reply = prober.ask(get_request("/healthz"));
  // A blocking core may already have ended its idle connections: that is an answer to a prober, too.
  if (core().evented() || reply.ended != Ended::closed) {
    EXPECT_EQ(reply.status(), 503) << reply.detail;
    EXPECT_TRUE(reply.response.says_close());
  }
  EXPECT_EQ(busy.read_response().status(), 200);
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0);
}

// Nobody waits for a SYN that was dropped and is sent again a second later, whoever is busy; who was queued is served.
TEST_P(Drain, newcomers_are_refused_at_once) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    auto server = serve_with_workers(2, {"--graceful-timeout", "15", "-b", address});
    std::vector<Client> earlier;
    for (int i = 0; i < 5; ++i) {
      earlier.emplace_back(server.address());
      ASSERT_TRUE(earlier.back().send(get_request("/block?ms=700")));
    }
    std::this_thread::sleep_for(Millis(200));
    server.signal(SIGTERM);
    int refused = 0, error = 0;
    for (const Deadline end = Clock::now() + Millis(600); Clock::now() < end; std::this_thread::sleep_for(Millis(5))) {
      const Deadline begun = Clock::now();
      const auto newcomer = Client::connect(server.address(), Millis(2'000), error);
      EXPECT_LT(Clock::now() - begun, patient(Millis(100))) << "a newcomer waits";
      if (newcomer) {
        EXPECT_EQ(refused, 0) << "it listens again";
      } else {
        EXPECT_EQ(error, ECONNREFUSED);
        ++refused;
      }
    }
    EXPECT_GT(refused, 20);
    EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << "it is gone: the test shows nothing";
    for (Client& client : earlier) EXPECT_EQ(client.read_response().status(), 200);
    EXPECT_EQ(server.wait_exit(Millis(15'000)), 0) << server.errors();
  }
}

TEST_P(Drain, second_term_stops_at_once) {
  for (const int second : {SIGTERM, SIGINT}) {
    auto server = serve_with_workers(2, {"--graceful-timeout", "30"});
    Client client(server.address());
    client.send(get_request("/sleep?ms=20000"));
    std::this_thread::sleep_for(Millis(200));
    server.signal(SIGTERM);
    EXPECT_FALSE(server.wait_exit(Millis(400)).has_value()) << "it did not wait for the request in flight";
    const Millis took = time_of([&] {
      server.signal(second);
      const auto code = server.wait_exit(Millis(5'000));
      ASSERT_TRUE(code.has_value()) << "the second signal is not heard";
      EXPECT_LE(*code, 1) << "a signal killed it";  // stopped on demand (0) or not drained (1)
    });
    EXPECT_LT(took, patient(Millis(2'000)));
  }
}

TEST_P(Drain, past_its_deadline_it_ends_with_exit_code_1) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "1"});
  Client client(server.address());
  client.send(get_request("/sleep?ms=20000"));
  std::this_thread::sleep_for(Millis(200));
  const Millis took = time_of([&] {
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(10'000)), 1) << server.errors();
  });
  EXPECT_GE(took, Millis(800));
  EXPECT_LT(took, patient(Millis(4'000)));
}

TEST_P(Drain, handler_that_blocks_past_the_deadline_is_not_waited_for) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "1"});
  Client client(server.address());
  client.send(get_request("/block?ms=20000"));
  std::this_thread::sleep_for(Millis(200));
  const Millis took = time_of([&] {
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(10'000)), 1) << server.errors();
  });
  EXPECT_LT(took, patient(Millis(5'000)));
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Drain, ::testing::ValuesIn(cores()), core_test_name);

// Of cores that have a thread or a loop to spare for it: prefork's processes are busy, or gone.
using WatchedDrain = CoreTest;

TEST_P(WatchedDrain, healthz_on_an_address_of_its_own_is_503_for_who_comes_meanwhile) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "15", "--control", "127.0.0.1:0"});
  ASSERT_EQ(get(server.addresses()[1], "/healthz").status(), 200);
  Client busy(server.address());
  busy.send(get_request("/sleep?ms=600"));
  std::this_thread::sleep_for(Millis(100));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(150));
  // More than once: not by the worker alone that happens to be left.
  for (int i = 0; i < 4; ++i) {
    const Reply reply = get(server.addresses()[1], "/healthz", Millis(500));
    EXPECT_EQ(reply.status(), 503) << reply.detail;
  }
  EXPECT_EQ(busy.read_response().status(), 200);
  busy.close();
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0);
  int error = 0;
  EXPECT_FALSE(Client::connect(server.addresses()[1], Millis(500), error));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WatchedDrain);
INSTANTIATE_TEST_SUITE_P(
    CoresWithWorkersToSpare, WatchedDrain,
    ::testing::ValuesIn(cores_where([](const Core& core) { return !core.serves_one_each(); })), core_test_name);

}  // namespace
}  // namespace corelab::test
