// HUP, TTIN, TTOU and USR1: what can change under a running server.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <iostream>
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

int status_of_a_body_of_50(const ServerProcess& server) {
  Client client(server.address());
  return client.ask(post_request("/echo", std::string(50, 'b'), "Connection: close\r\n")).status();
}

using Reload = CoreTest;

TEST_P(Reload, changes_a_limit_for_new_connections) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "limit-request-body = 100\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(status_of_a_body_of_50(server), 200);
  dir.write("corelab.toml", "limit-request-body = 10\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return status_of_a_body_of_50(server) == 413; }, Millis(5'000)))
      << server.errors();
  dir.write("corelab.toml", "limit-request-body = 100\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return status_of_a_body_of_50(server) == 200; }, Millis(5'000)))
      << server.errors();
}

TEST_P(Reload, of_an_invalid_file_keeps_the_old_values_and_says_so) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "limit-request-body = 10\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(status_of_a_body_of_50(server), 413);
  for (const std::string broken :
       {"limit-request-body = = 3\n", "nosuch-key = 1\n", "limit-request-body = -5\n"}) {
    const size_t said = server.errors().size();
    dir.write("corelab.toml", broken);
    server.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return server.errors().find("corelab.toml", said) != std::string::npos; },
                           Millis(5'000)))
        << "nothing said about: " << broken << server.errors();
    EXPECT_EQ(status_of_a_body_of_50(server), 413);
  }
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value());
}

TEST_P(Reload, keeps_open_connections_and_their_requests) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "keep-alive = 30\n");
  auto server = serve_with_workers(2, {"-c", file});
  Client client(server.address());
  client.send(get_request("/sleep?ms=500"));
  std::this_thread::sleep_for(Millis(100));
  server.signal(SIGHUP);
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  const Reply next = get(server.address(), "/plaintext");
  EXPECT_EQ(next.status(), 200) << next.detail;
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

TEST_P(Reload, a_shorter_keep_alive_is_taken_by_new_connections) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "keep-alive = 30\n");
  auto server = serve_with_workers(2, {"-c", file});
  ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  dir.write("corelab.toml", "keep-alive = 0.5\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually(
      [&] {
        Client client(server.address());
        return client.ask(get_request("/plaintext")).status() == 200 &&
               client.read_rest(Millis(2'000)).ended == Ended::closed;
      },
      Millis(10'000)))
      << "an idle connection outlives the new deadline";
}

TEST_P(Reload, without_a_file_is_harmless) {
  auto server = serve();
  server.signal(SIGHUP);
  std::this_thread::sleep_for(Millis(200));
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

TEST_P(Reload, reopen_writes_the_access_log_to_a_new_file) {
  const TempDir dir;
  const std::string log = dir.path("access.log");
  const std::string moved = dir.path("access.log.1");
  auto server = serve_with_workers(2, {"--access-logfile", log});
  ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
  ASSERT_TRUE(
      eventually([&] { return read_file(log).find("/plaintext") != std::string::npos; }, Millis(5'000)));
  ASSERT_EQ(std::rename(log.c_str(), moved.c_str()), 0);
  server.signal(SIGUSR1);
  EXPECT_TRUE(eventually(
      [&] {
        return get(server.address(), "/json").status() == 200 &&
               read_file(log).find("/json") != std::string::npos;
      },
      Millis(5'000)));
  // All workers have it: nothing more goes to the file that was moved away.
  std::this_thread::sleep_for(patient(Millis(200)));
  const std::string before = read_file(moved);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_EQ(read_file(moved), before);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Reload, ::testing::ValuesIn(cores()), core_test_name);

// Those whose connections are not each a worker's only one.
using ReloadOfTheCap = CoreTest;

TEST_P(ReloadOfTheCap, a_larger_one_lets_those_in_who_wait) {
  const TempDir dir;
  const std::string file = dir.write("corelab.toml", "worker-connections = 4\n");
  auto server = serve_with_workers(1, {"-c", file});
  std::vector<Client> occupants;
  for (int i = 0; i < 4; ++i) {
    occupants.emplace_back(server.address());
    ASSERT_EQ(occupants.back().ask(get_request("/plaintext")).status(), 200);
  }
  Client newcomer(server.address());
  newcomer.send(get_request("/plaintext"));
  EXPECT_TRUE(newcomer.stays_silent(Millis(300))) << "there is no cap";
  dir.write("corelab.toml", "worker-connections = 8\n");
  server.signal(SIGHUP);
  EXPECT_EQ(newcomer.read_response(false, Millis(5'000)).status(), 200);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReloadOfTheCap);
INSTANTIATE_TEST_SUITE_P(LoopsAndThreads, ReloadOfTheCap, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.evented();
                         })),
                         core_test_name);

using RollingReload = CoreTest;

TEST_P(RollingReload, of_workers_that_retire_by_themselves_meanwhile_fails_no_request) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10", "--max-requests", "60"});
  const std::string slept = get(server.address(), "/sleep?ms=10").body();
  BusyClients clients(server.address(), 16, {{"/plaintext", "Hello, World!"}, {"/sleep?ms=10", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  for (int i = 0; i < 10; ++i) {
    server.signal(SIGHUP);
    ASSERT_TRUE(clients.await_answers(100, Millis(10'000))) << server.errors();
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(15'000)), 0) << server.errors();
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": " << tally << "\n";
  EXPECT_EQ(tally.failures(), 0u) << tally;
}

TEST_P(RollingReload, ten_times_in_a_row_under_load_fails_no_request) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10"});
  const std::string bytes = get(server.address(), "/bytes?n=20000").body();
  const std::string slept = get(server.address(), "/sleep?ms=10").body();
  const auto before = children_of(server.pid());
  BusyClients clients(server.address(), 16,
                      {{"/plaintext", "Hello, World!"}, {"/bytes?n=20000", bytes}, {"/sleep?ms=10", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  for (int i = 0; i < 10; ++i) {
    server.signal(SIGHUP);
    EXPECT_TRUE(clients.await_answers(50, Millis(10'000))) << "it stands still behind HUP " << i + 1;
    std::this_thread::sleep_for(Millis(150));
  }
  EXPECT_TRUE(eventually([&] { return children_of(server.pid()).size() == 2; }, Millis(10'000)))
      << "old workers remain: " << children_of(server.pid()).size();
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": 10 HUPs: " << tally << "\n";
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
  for (const pid_t old : before) EXPECT_FALSE(is_alive(old)) << "a worker was never replaced";
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
}

TEST_P(RollingReload, right_before_term_still_drains) {
  auto server = serve_with_workers(2);
  server.signal(SIGHUP);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0) << server.errors();
}

TEST_P(RollingReload, ttin_adds_a_worker_and_ttou_removes_one) {
  auto server = serve_with_workers(2);
  const auto has = [&](size_t count) {
    return eventually([&] { return children_of(server.pid()).size() == count; }, Millis(5'000));
  };
  ASSERT_TRUE(has(2));
  BusyClients clients(server.address(), 4, {{"/plaintext", "Hello, World!"}});
  server.signal(SIGTTIN);
  EXPECT_TRUE(has(3)) << server.errors();
  server.signal(SIGTTOU);
  EXPECT_TRUE(has(2)) << server.errors();
  server.signal(SIGTTOU);
  EXPECT_TRUE(has(1)) << server.errors();
  // The last one stays: a server without workers would accept connections for nobody.
  server.signal(SIGTTOU);
  EXPECT_TRUE(clients.await_answers(20, Millis(5'000)));
  EXPECT_EQ(children_of(server.pid()).size(), 1u);
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RollingReload);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithProcesses, RollingReload,
    ::testing::ValuesIn(cores_where([](const Core& core) { return core.has_processes(); })), core_test_name);

using NothingToRoll = CoreTest;

TEST_P(NothingToRoll, ttin_and_ttou_are_harmless) {
  auto server = serve();
  server.signal(SIGTTIN);
  server.signal(SIGTTOU);
  std::this_thread::sleep_for(Millis(200));
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NothingToRoll);  // where no such core is built
INSTANTIATE_TEST_SUITE_P(
    CoresWithoutProcesses, NothingToRoll,
    ::testing::ValuesIn(cores_where([](const Core& core) { return !core.has_processes(); })), core_test_name);

}  // namespace
}  // namespace corelab::test
