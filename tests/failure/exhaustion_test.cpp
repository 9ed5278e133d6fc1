// Descriptors, threads and connections run out: the server waits, and answers again when there are some.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"

namespace corelab::test {
namespace {

// As many connections as can be had of `count`; each asked for nothing yet.
std::vector<Client> connect_many(const std::string& address, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) {
    int error = 0;
    if (auto client = Client::connect(address, Millis(500), error)) clients.push_back(std::move(*client));
  }
  return clients;
}

// Share of one CPU that the server takes over `window`.
double cpu_share(const ServerProcess& server, Millis window) {
  const Millis before = cpu_time(server.pid());
  std::this_thread::sleep_for(window);
  return static_cast<double>((cpu_time(server.pid()) - before).count()) / static_cast<double>(window.count());
}

void expect_service_returns(const ServerProcess& server) {
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/plaintext", Millis(2'000)).status() == 200; },
                         Millis(15'000)))
      << server.errors();
}

using Exhaustion = CoreTest;

// Whatever there is too little of, the start ends with a sentence.
TEST_P(Exhaustion, of_descriptors_at_the_start_is_one_sentence) {
  for (const rlim_t few : {6, 7, 8, 9, 10, 12}) {
    auto server = ServerProcess::starting({"serve", "--core", core().name, "-b", "127.0.0.1:0"}, {.limits = {{RLIMIT_NOFILE, few}}});
    if (server.says("listening on", Millis(300))) continue;
    EXPECT_EQ(server.wait_exit(Millis(3'000)), 1) << few << " descriptors\n" << server.errors();
    EXPECT_NE(server.errors(), "") << few << " descriptors";
  }
}

TEST_P(Exhaustion, out_of_descriptors_neither_spins_nor_exits_and_serves_again) {
  // Enough to start with, too few for the connections, even when two processes have as many each.
  auto server = serve_with_workers(2, {"--worker-connections", "1000"}, {.limits = {{RLIMIT_NOFILE, 64}}});
  auto clients = connect_many(server.address(), 250);
  ASSERT_GE(clients.size(), 100u);
  for (auto& client : clients) client.send(get_request("/plaintext"));
  std::this_thread::sleep_for(patient(Millis(300)));
  EXPECT_LT(cpu_share(server, Millis(1'000)), 0.5) << "it spins while there is no descriptor to be had";
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
  clients.clear();
  expect_service_returns(server);
}

TEST_P(Exhaustion, at_the_connection_cap_later_connections_wait_and_are_then_served) {
  auto server = serve_with_workers(1, {"--worker-connections", "4"});
  const Millis nap(800);
  std::vector<Client> occupants;
  for (int i = 0; i < 4; ++i) {
    occupants.emplace_back(server.address());
    occupants.back().send(get_request("/sleep?ms=" + std::to_string(nap.count()), "Connection: close\r\n"));
  }
  std::this_thread::sleep_for(Millis(200));
  Reply late;
  const Millis waited = time_of([&] { late = get(server.address(), "/plaintext"); });
  EXPECT_EQ(late.status(), 200) << late.detail;
  EXPECT_GE(waited, nap / 2) << "the fifth connection was served beside four, with a cap of four";
  for (auto& occupant : occupants) EXPECT_EQ(occupant.read_response().status(), 200);
}

TEST_P(Exhaustion, at_the_connection_cap_it_does_not_spin) {
  auto server = serve_with_workers(1, {"--worker-connections", "4"});
  auto clients = connect_many(server.address(), 40);
  EXPECT_LT(cpu_share(server, Millis(1'000)), 0.5);
  clients.clear();
  expect_service_returns(server);
}

// A client's body is the client's risk.
TEST_P(Exhaustion, out_of_memory_for_bodies_costs_their_connections_alone) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer takes all the address space there is";
  auto server = serve_with_workers(2, {"--limit-request-body", "4000000", "--body-buffer", "4000000", "--body-timeout", "3"},
                                   {.limits = {{RLIMIT_AS, 400'000'000}}});
  const std::string half = post_request("/echo", std::string(4'000'000, 'x')).substr(0, 2'500'000);
  auto clients = connect_many(server.address(), 200);
  for (auto& client : clients) client.send(half, Millis(50));
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
  clients.clear();
  expect_service_returns(server);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
}

TEST_P(Exhaustion, bodies_go_to_files_when_all_together_take_too_much_memory) {
  auto server = serve_with_workers(4, {"--limit-request-body", "4000000", "--body-buffer", "4000000", "--body-memory", "1000000"});
  const std::string request = post_request("/echo", std::string(1'000'000, 'x'));
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().send(request.substr(0, 900'000)));
  }
  if (core().has_processes()) return;  // one connection each, or wherever they land
  EXPECT_TRUE(eventually([&] { return deleted_files(server.pid()) > 0; }, Millis(2'000)));
  for (Client& client : clients) EXPECT_EQ(client.ask(request.substr(900'000)).body().size(), 1'000'000u);
  EXPECT_TRUE(eventually([&] { return deleted_files(server.pid()) == 0; }, Millis(2'000)));
}

// Who stays though he was refused takes nobody's place, nor the descriptors of more than the cap.
TEST_P(Exhaustion, connections_that_are_seen_out_are_no_more_than_the_cap_and_shut_nobody_out) {
  auto server = serve_with_workers(1, {"--worker-connections", "10"});
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  const std::size_t before = open_files(pid);
  std::vector<Client> refused;
  for (int i = 0; i < 100; ++i) {
    refused.emplace_back(server.address());
    refused.back().ask("nonsense\r\n\r\n", Millis(2'000));
  }
  EXPECT_LE(open_files(pid), before + 12);
  const Millis took = time_of([&] { EXPECT_EQ(get(server.address(), "/plaintext").status(), 200); });
  EXPECT_LT(took, patient(Millis(500)));
}

TEST_P(Exhaustion, control_address_answers_at_the_connection_cap) {
  if (core().serves_one_each()) GTEST_SKIP() << "whose workers have one connection each";
  auto server = serve_with_workers(1, {"--worker-connections", "4", "-b", "127.0.0.1:0", "--control", "127.0.0.1:0"});
  std::vector<Client> occupants;
  for (int i = 0; i < 4; ++i) {
    occupants.emplace_back(server.addresses().front());
    occupants.back().send(get_request("/sleep?ms=3000"));
  }
  std::this_thread::sleep_for(Millis(200));
  if (!core().evented()) return;  // (their threads are all taken)
  EXPECT_EQ(get(server.addresses().back(), "/healthz", Millis(1'000)).status(), 200);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Exhaustion, ::testing::ValuesIn(cores()), core_test_name);

// A user whom nobody else is, so that RLIMIT_NPROC, which counts a user's threads, counts the server's alone.
constexpr uid_t kLonelyUser = 61'873;

using ThreadsAtStart = CoreTest;

TEST_P(ThreadsAtStart, too_few_are_one_sentence_and_exit_code_1) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the server as a user of its own";
  const RunResult run = run_corelab({"serve", "--core", core().name, "-b", "127.0.0.1:0", "--workers", "64"},
                                    {.limits = {{RLIMIT_NPROC, 20}}, .user = kLonelyUser});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_NE(run.err.find("corelab: "), std::string::npos) << run.err;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ThreadsAtStart);
INSTANTIATE_TEST_SUITE_P(CoresWithThreads, ThreadsAtStart, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.takes_workers && !core.has_processes();
                         })),
                         core_test_name);

using ProcessesAtStart = CoreTest;
TEST_P(ProcessesAtStart, too_few_are_one_sentence_and_exit_code_1) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the server as a user of its own";
  auto server = ServerProcess::starting({"serve", "--core", core().name, "-b", "127.0.0.1:0", "--workers", "100"},
                                        {.limits = {{RLIMIT_NPROC, 20}}, .user = kLonelyUser});
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 1) << server.errors();
  const std::string errors = server.errors();
  EXPECT_NE(errors.find("cannot start a"), std::string::npos) << errors;
  EXPECT_LT(std::count(errors.begin(), errors.end(), '\n'), 60) << errors;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ProcessesAtStart);
INSTANTIATE_TEST_SUITE_P(CoresWithProcesses, ProcessesAtStart, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.has_processes();
                         })),
                         core_test_name);

TEST(ThreadExhaustion, without_a_thread_for_it_a_connection_waits_or_gets_503_and_service_returns) {
  if (!has_core("thread-per-connection")) GTEST_SKIP() << "thread-per-connection is not built";
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the server as a user of its own";
  ServerProcess server("thread-per-connection", {"--worker-connections", "2000"},
                       {.limits = {{RLIMIT_NPROC, 40}}, .user = kLonelyUser});
  auto clients = connect_many(server.address(), 200);
  ASSERT_EQ(clients.size(), 200u);
  for (auto& client : clients) client.send(get_request("/sleep?ms=500", "Connection: close\r\n"));
  int served = 0, turned_away = 0;
  for (auto& client : clients) {
    const Reply reply = client.read_response();
    served += reply.status() == 200;
    turned_away += reply.status() == 503;
    EXPECT_TRUE(reply.status() == 200 || reply.status() == 503) << reply.status() << " " << reply.detail;
  }
  std::cout << "  40 threads, 200 connections: " << served << " served, " << turned_away << " answered 503\n";
  EXPECT_GE(served, 20);
  EXPECT_LE(thread_count(server.pid()), 40u);
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value()) << server.errors();
  clients.clear();
  expect_service_returns(server);
}

}  // namespace
}  // namespace corelab::test
