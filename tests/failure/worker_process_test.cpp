// Worker processes that crash, hang or are killed: replaced, with back-off, while their siblings serve. And
// the other way round: no worker outlives its supervisor.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/busy_clients.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

bool has_workers(const ServerProcess& server, size_t count) {
  return children_of(server.pid()).size() == count;
}

// True once `count` workers run and none of them is `gone`.
bool is_replaced(const ServerProcess& server, pid_t gone, size_t count, Millis within) {
  return eventually(
      [&] {
        const auto workers = children_of(server.pid());
        return workers.size() == count && std::find(workers.begin(), workers.end(), gone) == workers.end();
      },
      within);
}

class WorkerProcess : public CoreTest {
 protected:
  ServerProcess serve_with_processes(int count, const Arguments& arguments = {}) const {
    auto server = serve_with_workers(count, arguments);
    EXPECT_TRUE(eventually([&] { return has_workers(server, static_cast<size_t>(count)); }, Millis(5'000)));
    return server;
  }
};

TEST_P(WorkerProcess, that_crashes_is_replaced_while_its_siblings_serve) {
  for (const int number : {SIGSEGV, SIGABRT, SIGKILL}) {
    SCOPED_TRACE(number);
    auto server = serve_with_processes(2);
    const pid_t victim = children_of(server.pid()).front();
    ::kill(victim, number);
    // Until the kernel has seen to the signal, the worker may still accept a connection, which dies with it.
    ASSERT_TRUE(eventually([&] { return !is_alive(victim); }, Millis(3'000)));
    for (int i = 0; i < 30; ++i) {
      const Reply reply = get(server.address(), "/plaintext", Millis(3'000));
      EXPECT_EQ(reply.status(), 200) << "request " << i << ": " << reply.detail;
    }
    EXPECT_TRUE(is_replaced(server, victim, 2, Millis(5'000))) << server.errors();
    EXPECT_FALSE(server.wait_exit(Millis(0)).has_value());
  }
}

// All workers share the one queue of a UNIX domain socket: none adopts what is its own already.
TEST_P(WorkerProcess, that_crashes_behind_a_unix_socket_takes_no_sibling_along) {
  const TempDir dir;
  auto server = serve_with_processes(3, {"-b", "unix:" + dir.path("socket")});
  const auto before = children_of(server.pid());
  ::kill(before.front(), SIGKILL);
  ASSERT_TRUE(is_replaced(server, before.front(), 3, Millis(5'000))) << server.errors();
  for (const pid_t sibling : {before[1], before[2]}) EXPECT_TRUE(is_alive(sibling)) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

TEST_P(WorkerProcess, that_hangs_is_replaced_by_timeout_while_its_siblings_serve) {
  auto server = serve_with_processes(2, {"--timeout", "1"});
  const pid_t victim = children_of(server.pid()).front();
  ::kill(victim, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return is_stopped(victim); }, Millis(3'000)));
  // A connection that the kernel has already given to the hanging worker waits for its replacement; none is
  // lost.
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 16; ++i)
    replies.push_back(std::async(std::launch::async, [&] { return get(server.address(), "/plaintext"); }));
  for (auto& reply : replies) {
    const Reply got = reply.get();
    EXPECT_EQ(got.status(), 200) << got.detail;
  }
  EXPECT_TRUE(is_replaced(server, victim, 2, Millis(8'000))) << server.errors();
  EXPECT_TRUE(eventually([&] { return !is_alive(victim); }, Millis(3'000)));
}

TEST_P(WorkerProcess, that_is_stuck_in_one_request_is_replaced_by_timeout) {
  auto server = serve_with_processes(2, {"--timeout", "1"});
  const auto before = children_of(server.pid());
  Client stuck(server.address());
  stuck.send(get_request("/block?ms=20000"));
  EXPECT_TRUE(eventually([&] { return children_of(server.pid()) != before && has_workers(server, 2); },
                         Millis(8'000)))
      << server.errors();
  const Reply reply = stuck.read_response(false, Millis(2'000));
  EXPECT_TRUE(reply.ended == Ended::closed || reply.ended == Ended::reset) << reply.detail;
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

TEST_P(WorkerProcess, that_is_idle_is_not_taken_for_a_hanging_one) {
  auto server = serve_with_processes(2, {"--timeout", "1"});
  const auto before = children_of(server.pid());
  std::this_thread::sleep_for(patient(Millis(2'500)));
  EXPECT_EQ(children_of(server.pid()), before) << server.errors();
}

// As by a machine that sleeps.
TEST_P(WorkerProcess, that_was_stopped_with_its_supervisor_is_not_taken_for_a_hanging_one) {
  auto server = serve_with_processes(2, {"--timeout", "1"});
  const auto before = children_of(server.pid());
  ::kill(-server.pid(), SIGSTOP);
  std::this_thread::sleep_for(Millis(3'000));
  ::kill(-server.pid(), SIGCONT);
  std::this_thread::sleep_for(Millis(500));
  EXPECT_EQ(children_of(server.pid()), before) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

// Whose death says nothing about the next one's.
TEST_P(WorkerProcess, that_has_served_is_replaced_at_once) {
  auto server = serve_with_processes(1);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
    const pid_t worker = children_of(server.pid()).front();
    ::kill(worker, SIGKILL);
    const Millis silence = time_of([&] { EXPECT_EQ(get(server.address(), "/plaintext").status(), 200); });
    EXPECT_LT(silence, patient(Millis(250)));
  }
  EXPECT_EQ(server.errors().find("another starts in"), std::string::npos) << server.errors();
}

TEST_P(WorkerProcess, is_always_there_though_the_last_one_dies_again_and_again) {
  auto server = serve_with_processes(1);
  std::set<pid_t> seen;
  const Deadline deadline = Clock::now() + Millis(3'000);
  while (Clock::now() < deadline) {
    for (const pid_t worker : children_of(server.pid())) {
      seen.insert(worker);
      ::kill(worker, SIGKILL);
    }
    std::this_thread::sleep_for(Millis(2));
  }
  EXPECT_GE(seen.size(), 10u / slowdown()) << "nobody serves";
  EXPECT_LE(seen.size(), 35u) << "replaced without a pause";
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/plaintext", Millis(1'000)).status() == 200; }, Millis(2'000)))
      << server.errors();
}

TEST_P(WorkerProcess, that_crashes_again_and_again_is_replaced_ever_more_slowly) {
  auto server = serve_with_processes(2);
  const pid_t other = children_of(server.pid()).front();
  std::set<pid_t> seen;
  const Deadline deadline = Clock::now() + Millis(3'000);
  while (Clock::now() < deadline) {
    for (const pid_t worker : children_of(server.pid())) {
      if (worker == other) continue;
      seen.insert(worker);
      ::kill(worker, SIGKILL);
    }
    std::this_thread::sleep_for(Millis(2));
  }
  EXPECT_GE(seen.size(), 2u) << "it was never replaced";
  EXPECT_LE(seen.size(), 20u) << "replaced without back-off";
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/plaintext", Millis(1'000)).status() == 200; },
                         Millis(30'000)))
      << server.errors();
}

TEST_P(WorkerProcess, past_max_requests_is_replaced_without_a_lost_request) {
  auto server = serve_with_processes(2, {"--max-requests", "100"});
  const auto before = children_of(server.pid());
  BusyClients clients(server.address(), 4, {{"/plaintext", "Hello, World!"}});
  EXPECT_TRUE(clients.await_answers(1'000, Millis(20'000)));
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
  for (const pid_t old : before) EXPECT_FALSE(is_alive(old)) << "not replaced: " << server.errors();
}

TEST_P(WorkerProcess, that_drains_for_longer_than_its_timeout_is_not_killed) {
  constexpr size_t kSize = 16'777'216;
  auto server = serve_with_processes(1, {"--timeout", "1", "--request-timeout", "0.9"});
  Client reader(server.address());
  reader.send(get_request("/bytes?n=" + std::to_string(kSize)));
  ASSERT_TRUE(reader.await_bytes(1));
  const pid_t old = children_of(server.pid()).front();
  server.signal(SIGHUP);
  std::this_thread::sleep_for(patient(Millis(2'500)));  // the answer is on its way, and nobody reads it
  EXPECT_TRUE(is_alive(old)) << server.errors();
  const Reply reply = reader.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail << server.errors();
  EXPECT_EQ(reply.body().size(), kSize);
}

TEST_P(WorkerProcess, many_that_retire_while_they_serve_end_nothing) {
  auto server = serve_with_processes(2, {"--max-requests", "3"});
  std::vector<Client> sleepers;
  BusyClients clients(server.address(), 4, {{"/plaintext", "Hello, World!"}});
  // A worker that blocks serves one at a time: more of these would only wait for each other.
  const int count = core().evented() ? 60 : 6;
  for (int i = 0; i < count; ++i) {
    sleepers.emplace_back(server.address());
    sleepers.back().send(get_request("/sleep?ms=1500", "Connection: close\r\n"));
    std::this_thread::sleep_for(Millis(10));
  }
  for (auto& sleeper : sleepers) {
    const Reply reply = sleeper.read_response(false, Millis(60'000));
    EXPECT_EQ(reply.status(), 200) << reply.detail;
    if (HasFailure()) break;
  }
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

TEST_P(WorkerProcess, killed_under_connections_costs_only_its_own) {
  const bool blocks = !core().evented();
  auto server = serve_with_processes(2, blocks ? Arguments{"--keep-alive-policy", "hold"} : Arguments{});
  std::vector<Client> clients;
  // Blocking workers hold one connection each; evented ones share these.
  const int count = blocks ? 2 : 32;
  for (int i = 0; i < count; ++i) {
    clients.emplace_back(server.address());
    EXPECT_EQ(clients.back().ask(get_request("/plaintext")).status(), 200);
  }
  const pid_t victim = children_of(server.pid()).front();
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !is_alive(victim); }, Millis(2'000)));
  int lost = 0, kept = 0;
  for (auto& client : clients) {
    const Reply reply = client.ask(get_request("/plaintext"));
    kept += reply.status() == 200;
    lost += reply.ended == Ended::closed || reply.ended == Ended::reset;
  }
  EXPECT_EQ(lost + kept, count);
  EXPECT_GE(kept, 1) << "a sibling's connections died too";
  EXPECT_GE(lost, 1) << "the victim had no connection: the test shows nothing";
  clients.clear();
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(get(server.address(), "/plaintext", Millis(3'000)).status(), 200) << i;
}

TEST_P(WorkerProcess, does_not_outlive_its_supervisor) {
  auto server = serve_with_processes(3);
  const auto workers = children_of(server.pid());
  ASSERT_EQ(workers.size(), 3u);
  ::kill(server.pid(), SIGKILL);
  for (const pid_t worker : workers)
    EXPECT_TRUE(eventually([&] { return !is_alive(worker); }, Millis(3'000))) << worker << " is an orphan";
  // A dead process's sockets are closed a moment after it is seen to be dead.
  EXPECT_TRUE(eventually(
      [&] {
        int error = 0;
        return !Client::connect(server.address(), Millis(1'000), error).has_value();
      },
      Millis(3'000)));
}

TEST_P(WorkerProcess, is_gone_with_its_supervisor_after_a_drain) {
  auto server = serve_with_processes(3);
  const auto workers = children_of(server.pid());
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
  for (const pid_t worker : workers) EXPECT_FALSE(is_alive(worker));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WorkerProcess);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithProcesses, WorkerProcess,
    ::testing::ValuesIn(cores_where([](const Core& core) { return core.has_processes(); })), core_test_name);

}  // namespace
}  // namespace corelab::test
