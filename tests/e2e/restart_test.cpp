// A restart without a closed door (USR2): a new program takes the listening sockets over, the old one drains.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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

class Restart : public CoreTest {
 protected:
  // The process that has announced itself last.
  static pid_t latest(const ServerProcess& server) {
    const std::string errors = server.errors();
    const size_t announced = errors.rfind("listening on"), pid = errors.find("pid=", announced);
    return announced == std::string::npos ? 0 : std::stoi(errors.substr(pid + 4));
  }
  static void expect_end_of(pid_t successor) {
    ::kill(successor, SIGTERM);
    EXPECT_TRUE(eventually([&] { return !is_alive(successor); }, Millis(8'000)));
  }
};

TEST_P(Restart, by_usr2_loses_no_request_and_refuses_nobody) {
  const TempDir dir;
  const std::string pid_file = dir.path("pid");
  auto server = serve_with_workers(2, {"--graceful-timeout", "10", "--pid", pid_file});
  const std::string slept = get(server.address(), "/sleep?ms=10").body();
  BusyClients clients(server.address(), 16, {{"/plaintext", "Hello, World!"}, {"/sleep?ms=10", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  server.signal(SIGUSR2);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
  const pid_t successor = latest(server);
  EXPECT_NE(successor, server.pid()) << server.errors();
  EXPECT_TRUE(clients.await_answers(200, Millis(10'000)));
  const Tally tally = clients.stop();
  std::cout << "  " << core().name << ": " << tally << "\n";
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
  EXPECT_EQ(read_file(pid_file), std::to_string(successor) + "\n");
  // And that one has a successor, too.
  ::kill(successor, SIGUSR2);
  EXPECT_TRUE(eventually([&] { return !is_alive(successor) && latest(server) != successor; }, Millis(10'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  expect_end_of(latest(server));
}

TEST_P(Restart, keeps_every_address) {
  const TempDir dir;
  const std::string socket = dir.path("socket");
  auto server = serve_with_workers(2, {"-b", "127.0.0.1:0", "-b", "unix:" + socket, "--control", "127.0.0.1:0"});
  server.signal(SIGUSR2);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
  EXPECT_EQ(get(server.addresses()[0], "/plaintext").status(), 200);
  EXPECT_EQ(get("unix:" + socket, "/plaintext").status(), 200);
  EXPECT_EQ(get(server.addresses()[2], "/healthz").status(), 200);
  expect_end_of(latest(server));
  EXPECT_NE(::access(socket.c_str(), F_OK), 0) << "the successor takes the name away";
}

TEST_P(Restart, that_fails_leaves_the_old_program_as_it_is) {
  const TempDir dir;
  const std::string config = dir.write("corelab.toml", "keep-alive = 5\n"), socket = dir.path("socket"), pid_file = dir.path("pid");
  auto server = serve_with_workers(2, {"-c", config, "-b", "127.0.0.1:0", "-b", "unix:" + socket, "--pid", pid_file});
  dir.write("corelab.toml", "nonsense = 5\n");
  server.signal(SIGUSR2);
  EXPECT_TRUE(server.says("which was to take over, has ended", Millis(5'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_EQ(get("unix:" + socket, "/plaintext").status(), 200);
  EXPECT_EQ(read_file(pid_file), std::to_string(server.pid()) + "\n");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  int error = 0;
  EXPECT_FALSE(Client::connect(server.address(), Millis(500), error)) << "nobody is left";
}

TEST_P(Restart, is_not_begun_while_it_drains) {
  auto server = serve_with_workers(2, {"--graceful-timeout", "10"});
  Client client(server.address());
  ASSERT_TRUE(client.send(get_request("/sleep?ms=1000")));
  std::this_thread::sleep_for(Millis(200));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(Millis(30));
  server.signal(SIGUSR2);
  EXPECT_EQ(client.read_response().status(), 200);
  EXPECT_EQ(server.wait_exit(Millis(8'000)), 0) << server.errors();
  EXPECT_EQ(server.errors().find("is to take over"), std::string::npos) << server.errors();
}

// Descriptors beyond the limit of the start are in use.
TEST_P(Restart, works_with_many_connections) {
  if (core().serves_one_each()) GTEST_SKIP() << "whose workers have one connection each";
  Surroundings around;
  around.soft_limits = {{RLIMIT_NOFILE, 64}};
  auto server = serve_with_workers(2, {"--keep-alive", "2"}, around);
  std::vector<Client> many;
  for (int i = 0; i < 100; ++i) many.emplace_back(server.address());
  server.signal(SIGUSR2);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200) << server.errors();
  expect_end_of(latest(server));
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Restart, ::testing::ValuesIn(cores()), core_test_name);

// As systemd does with KillMode=control-group: a worker counts its supervisor's word alone.
class TermToAll : public CoreTest {};

TEST_P(TermToAll, loses_no_request) {
  auto server = serve_with_workers(3, {"--graceful-timeout", "10"});
  const std::string slept = get(server.address(), "/sleep?ms=100").body();
  BusyClients clients(server.address(), 16, {{"/plaintext", "Hello, World!"}, {"/sleep?ms=100", slept}});
  ASSERT_TRUE(clients.await_answers(200, Millis(10'000)));
  for (const pid_t worker : children_of(server.pid())) ::kill(worker, SIGTERM);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures(), 0u) << tally;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TermToAll);
INSTANTIATE_TEST_SUITE_P(CoresWithProcesses, TermToAll, ::testing::ValuesIn(cores_where([](const Core& core) {
                           return core.has_processes();
                         })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
