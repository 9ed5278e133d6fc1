// What a handler's wait ends with: its own deadline, the request's, a client that leaves, a system without threads. The
// application is waiting_app, which remembers.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/process_info.hpp"

namespace corelab::test {
namespace {

using Waiting = CoreTest;

TEST_P(Waiting, own_deadline_ends_a_wait_as_expired) {
  const auto server = serve_with_workers(2);
  for (const std::string path : {"/sleep-short", "/ready-short"}) {
    Reply reply;
    const Millis took = time_of([&] { reply = get(server.address(), path); });
    EXPECT_EQ(reply.status(), 200) << path << reply.detail;
    EXPECT_EQ(reply.body(), "expired") << path;
    EXPECT_GE(took, Millis(45)) << path;
    EXPECT_LT(took, patient(Millis(2'000))) << path;
  }
}

TEST_P(Waiting, client_that_is_reset_cancels_its_handlers_wait) {
  const auto server = serve_with_workers(2);
  Client client(server.address());
  client.send(get_request("/sleep-long"));
  std::this_thread::sleep_for(Millis(200));
  client.reset();
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/endings").body() == "0 0 1"; }, Millis(5'000)))
      << get(server.address(), "/endings").body();
}

TEST_P(Waiting, request_deadline_ends_a_wait_and_is_answered_504) {
  const auto server = serve_with_workers(2, {"--request-timeout", "0.3"});
  EXPECT_EQ(get(server.address(), "/sleep-long").status(), 504);
  EXPECT_EQ(get(server.address(), "/endings").body(), "0 1 0");
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Waiting, ::testing::ValuesIn(cores()), core_test_name);

using WaitingOnALoop = CoreTest;

TEST_P(WaitingOnALoop, request_deadline_is_kept_though_a_call_outlives_its_own) {
  auto server = serve_with_workers(1, {"--request-timeout", "0.3"});
  ASSERT_EQ(get(server.address(), "/offload").status(), 200) << "to start helpers may take longer than the call's deadline";
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/offload-short"); });
  EXPECT_EQ(reply.status(), 504) << reply.detail << reply.body();
  EXPECT_GE(took, Millis(250));
  EXPECT_LT(took, std::max(Millis(900), patient(Millis(300)))) << "the client waited for the call to return";
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/endings").body() == "1 1 0"; }, Millis(5'000)));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
}

rlim_t threads_of(const ServerProcess& server) {
  rlim_t threads = thread_count(server.pid());
  for (const pid_t child : children_of(server.pid())) threads += thread_count(child);
  return threads;
}

TEST_P(WaitingOnALoop, without_a_helper_thread_the_handler_fails_and_its_connection_lives_on) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can start the server as a user of its own";
  constexpr uid_t kLonelyUser = 61'874;
  // Room for the program itself, a sanitizer's threads included, and for no more.
  const rlim_t threads = threads_of(serve_with_workers(1));
  auto server = serve_with_workers(1, {"--request-timeout", "0.3"},
                                   {.limits = {{RLIMIT_NPROC, threads}}, .user = kLonelyUser});
  Client client(server.address());
  EXPECT_EQ(client.ask(get_request("/offload")).status(), 500);
  EXPECT_EQ(client.ask(get_request("/sleep-long")).status(), 504);
  EXPECT_EQ(client.ask(get_request("/plaintext")).status(), 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(10'000)), 0) << server.errors();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WaitingOnALoop);
INSTANTIATE_TEST_SUITE_P(EventedCores, WaitingOnALoop,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return core.evented(); })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
