// Threads and Python: what lasts with a thread, what its end leaves behind, and what waiting for the GIL is reported as.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using nlohmann::json;

std::vector<long> numbers_in(const std::string& text) {
  std::istringstream stream(text);
  std::vector<long> numbers;
  for (long number = 0; stream >> number;) numbers.push_back(number);
  return numbers;
}

using WsgiThreads = WsgiMannerTest;

TEST_P(WsgiThreads, thread_local_lasts_from_one_request_to_the_next) {
  const auto server = serve("threads:app", 1, holding(core()));
  Client client(server.address());
  std::map<long, long> visits;  // by thread
  for (int i = 0; i < 20; ++i) {
    const Reply reply = client.ask(get_request("/visits"));
    const std::vector<long> seen = numbers_in(reply.body());
    ASSERT_EQ(seen.size(), 2u) << reply.detail << reply.body();
    EXPECT_EQ(seen[0], ++visits[seen[1]]) << "its thread has forgotten";
  }
  EXPECT_LE(visits.size(), GetParam().offloads ? 4u : 1u);
}

// Who is woken while a call is made waits until the CPU is free, if nearly every request is a helper's; it takes the CPU
// from the call where the loop answers requests of its own.
TEST_F(WsgiTest, loop_and_helpers_leave_each_other_their_cpu) {
  const auto policies_of = [](const ServerProcess& server) {
    std::map<int, int> threads;  // by policy
    for (pid_t thread : threads_of(server.pid())) ++threads[sched_getscheduler(thread)];
    return threads;
  };
  const auto python = serve("event-loop", "threads:app", {"--offload", "1"});
  ASSERT_EQ(get(python.address(), "/visits").status(), 200);
  EXPECT_EQ(policies_of(python)[SCHED_BATCH], 2) << "a loop and a helper";
  const auto inline_python = serve("event-loop", "threads:app");
  EXPECT_EQ(policies_of(inline_python)[SCHED_BATCH], 0);
  const ServerProcess lab("event-loop", {"--offload", "1"});
  ASSERT_EQ(get(lab.address(), "/block?ms=1").status(), 200);
  EXPECT_EQ(policies_of(lab)[SCHED_BATCH], 0);
}

// 300 connections come and go: a thread each, where a connection has one.
TEST_P(WsgiThreads, thread_states_end_with_their_threads) {
  const auto server = serve("threads:app", 1);
  for (int round = 0; round < 30; ++round) {
    std::vector<Client> clients;
    for (int i = 0; i < 10; ++i) {
      clients.emplace_back(server.address());
      clients.back().send(get_request("/use", "Connection: close\r\n"));
    }
    for (auto& client : clients) ASSERT_EQ(client.read_response().body(), "2");
  }
  // The main thread's, those of four helpers at most, and the asking one.
  EXPECT_TRUE(eventually([&] { return std::stoi(get(server.address(), "/thread_states").body()) <= 1 + 4 + 1; },
                         Millis(2'000)))
      << get(server.address(), "/thread_states").body() << " thread states";
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiThreads, ::testing::ValuesIn(manners()), manner_name);

class WsgiMemory : public WsgiTest {
 protected:
  // Blocks allocated, references to an object that every request uses, references to None.
  static std::vector<long> memory(Client& client) {
    const Reply reply = client.ask(get_request("/memory"));
    EXPECT_EQ(reply.status(), 200) << reply.detail;
    return numbers_in(reply.body());
  }
  // `count` requests, 50 in each packet.
  static void ask_many(Client& client, const std::string& request, int status, int count) {
    std::string batch;
    for (int i = 0; i < 50; ++i) batch += request;
    for (int i = 0; i < count; i += 50) {
      ASSERT_TRUE(client.send(batch));
      for (int j = 0; j < 50; ++j) {
        const Reply reply = client.read_response();
        ASSERT_EQ(reply.status(), status) << reply.detail;
      }
    }
  }
};

TEST_F(WsgiMemory, is_the_same_after_100_000_requests) {
  // A sanitizer slows each request down; what leaks with each shows with fewer.
  const int count = static_cast<int>(100'000 / slowdown() / slowdown());
  const auto server = serve("thread-pool", "threads:app", {"--workers", "1", "--keep-alive-policy", "hold"});
  Client client(server.address());
  const auto ask_for_everything = [&](int most) {
    ask_many(client, get_request("/use?q=1", "Cookie: a=b\r\nX-One: 1\r\nX-One: 2\r\nX_Dropped: 3\r\n"), 200, most * 6 / 10);
    ask_many(client, post_request("/use", "a body", "Content-Type: text/plain\r\n"), 200, most * 2 / 10);
    ask_many(client, get_request("/streamed"), 200, most * 19 / 100);
    ask_many(client, get_request("/fail"), 500, most / 100);
  };
  ask_for_everything(2'000);
  ask_many(client, get_request("/fail"), 500, 2'000);  // the module that prints traces specialises its code for so long
  const std::vector<long> before = memory(client);
  ask_for_everything(count);
  const std::vector<long> after = memory(client);
  ASSERT_EQ(before.size(), 3u);
  ASSERT_EQ(after.size(), 3u);
  std::cout << "  after " << count << " requests: " << after[0] - before[0] << " blocks and "
            << after[2] - before[2] << " references to None more\n";
  // Python keeps some hundred here and there, however many requests there were; a leak would be one a request.
  constexpr long kKept = 500;
  EXPECT_LT(after[0] - before[0], kKept);
  EXPECT_LT(std::abs(after[2] - before[2]), kKept);
  EXPECT_EQ(after[1], before[1]) << "references to an object that each request uses";
}

class WsgiAccount : public WsgiTest {
 protected:
  static json stats(const ServerProcess& server) { return json::parse(get(server.address(), "/stats").body()); }
  // Two clients whose handlers compute for 50 ms each, side by side, `times` times.
  static void compute_side_by_side(const ServerProcess& server, int times) {
    std::vector<Client> clients;
    for (int i = 0; i < 2; ++i) clients.emplace_back(server.address());
    for (int i = 0; i < times; ++i) {
      for (auto& client : clients) client.send(get_request("/computes"));
      for (auto& client : clients) EXPECT_EQ(client.read_response().body(), "computed");
    }
  }
};

TEST_F(WsgiAccount, of_who_waits_beside_a_neighbour_that_computes) {
  const auto server =
      serve("thread-pool", "lives:app", {"--workers", "2", "--switch-interval", "0.01", "--keep-alive-policy", "hold"});
  compute_side_by_side(server, 10);
  const json said = stats(server);
  double waits = 0, longest = 0;
  int held = 0;
  for (const json& worker : said["workers"]) {
    waits += worker["gil_wait_us"]["count"].get<double>();
    held += worker["gil_held_us"]["count"].get<int>();
    if (worker["gil_wait_us"]["count"] == 0) continue;
    longest = std::max(longest, worker["gil_wait_us"]["p50"].get<double>());
    EXPECT_GT(worker["gil_held_us"]["p50"], 25'000) << "it computes for 50 ms";
  }
  EXPECT_GT(waits, 0);
  EXPECT_EQ(held, 20) << "of calls that are so long each is measured";
  // Whoever waits asks for the lock after the switch interval, and no sooner.
  EXPECT_GT(longest, 5'000);
  EXPECT_LT(longest, 1'000 * static_cast<double>(patient(Millis(500)).count()));
}

TEST_F(WsgiAccount, of_a_handler_that_sleeps_leaves_the_sleep_out) {
  const auto server = serve("thread-pool", "lives:app", {"--workers", "1"});
  ASSERT_EQ(get(server.address(), "/naps").status(), 200);
  const json worker = stats(server)["workers"][0];
  EXPECT_EQ(worker["gil_wait_us"]["count"].get<int>() + worker["gil_uncontended"].get<int>(), 1);
  EXPECT_EQ(worker["gil_held_us"]["count"], 1);
  EXPECT_LT(worker["gil_held_us"]["p50"], 400'000) << "it sleeps for 0.8 s";
}

TEST_F(WsgiAccount, shows_each_wait_in_the_trace) {
  const TempDir dir;
  const std::map<std::string, Arguments> threads_of = {
      {"thread-pool", {"--workers", "2", "--keep-alive-policy", "hold"}}, {"event-loop", {"--offload", "2"}}};
  for (auto [core, arguments] : threads_of) {
    SCOPED_TRACE(core);
    arguments.insert(arguments.end(), {"--trace", dir.path("trace.json")});
    auto server = serve(core, "lives:app", arguments);
    compute_side_by_side(server, 10);
    server.signal(SIGTERM);
    ASSERT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
    const json trace = json::parse(read_file(dir.path("trace.json")));
    int waits = 0;
    for (const json& event : trace) {
      if (event["name"] != "waiting for the GIL") continue;
      ++waits;
      EXPECT_GE(event["dur"], 5);
    }
    EXPECT_GT(waits, 0);
  }
}

TEST_F(WsgiAccount, of_a_worker_that_is_gone_is_kept) {
  const auto server = serve("prefork", "lives:app", {"--workers", "1"});
  for (int i = 0; i < 10; ++i) ASSERT_EQ(get(server.address(), "/computes").status(), 200);
  const auto acquisitions = [](const json& row) {
    return row["gil_wait_us"]["count"].get<int>() + row["gil_uncontended"].get<int>();
  };
  ASSERT_EQ(acquisitions(stats(server)["retired"]), 0);
  const auto workers = children_of(server.pid());
  ASSERT_EQ(workers.size(), 1u);
  ::kill(workers.front(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return !children_of(server.pid()).empty() && children_of(server.pid()) != workers; },
                         Millis(5'000)));
  const json after = stats(server);
  EXPECT_EQ(acquisitions(after["retired"]), 10);
  EXPECT_EQ(after["retired"]["gil_held_us"]["count"], 10) << "of calls that are so long each is measured";
}

}  // namespace
}  // namespace corelab::test
