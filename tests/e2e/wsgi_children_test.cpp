// Processes that an application starts: they begin as those of a process that was started normally, and no end of the
// server waits for them for ever or leaves them behind.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

const char* const kAsStartedNormally = "ended ended ended ended none blocked 1024 1024";

class WsgiChildren : public WsgiMannerTest {
 protected:
  // With the soft limit of descriptors that a shell has.
  ServerProcess start(Arguments more = {}) const {
    Surroundings around = for_python();
    around.soft_limits = {{RLIMIT_NOFILE, 1024}};
    return serve("children:app", 1, std::move(more), around);
  }
};

TEST_P(WsgiChildren, of_a_handler_begin_as_if_started_normally) {
  const auto server = start();
  EXPECT_EQ(get(server.address(), "/all_kinds").body(), kAsStartedNormally);
}

TEST_P(WsgiChildren, of_the_import_begin_as_if_started_normally) {
  const auto server = start();
  EXPECT_EQ(get(server.address(), "/imported").body(), kAsStartedNormally);
}

TEST_P(WsgiChildren, of_a_preloaded_application_begin_as_if_started_normally) {
  if (!core().has_processes()) GTEST_SKIP() << "--preload is for cores with processes";
  const auto server = start({"--preload"});
  EXPECT_EQ(get(server.address(), "/imported").body(), kAsStartedNormally);
  EXPECT_EQ(get(server.address(), "/all_kinds").body(), kAsStartedNormally);
}

TEST_P(WsgiChildren, keep_their_descriptors_while_the_server_closes_its_own) {
  auto server = start();
  Client client(server.address());
  ASSERT_TRUE(client.send(get_request("/fork_in_a_drain")));
  std::this_thread::sleep_for(Millis(200));
  server.signal(SIGTERM);
  EXPECT_EQ(client.read_response().body(), "0");
}

// Many connections raise the server's own limit.
TEST_P(WsgiChildren, have_the_limit_of_the_start_when_the_server_has_raised_its_own) {
  if (!core().evented() && core().name != "thread-per-connection") GTEST_SKIP() << "one worker has few connections";
  Surroundings around = for_python();
  around.soft_limits = {{RLIMIT_NOFILE, 64}};
  const auto server = serve("children:app", 1, {}, around);
  std::vector<Client> many;
  for (int i = 0; i < 60; ++i) many.emplace_back(server.address());
  EXPECT_EQ(get(server.address(), "/soft_limit").body(), "64");
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiChildren, ::testing::ValuesIn(manners()), manner_name);

// A process of multiprocessing, started when the module is imported and never ended.
class WsgiProcessOfImport : public WsgiMannerTest {
 protected:
  void SetUp() override {
    WsgiMannerTest::SetUp();
    dir_.write("starting.py", R"(
import multiprocessing
import os
import time


def sleep(file):
    with open(file, "w") as pid:
        pid.write(str(os.getpid()))
    time.sleep(600)


for kind in ("daemon", "other"):
    multiprocessing.get_context("fork").Process(
        target=sleep, args=(os.environ["FILES"] + kind,), daemon=kind == os.environ["KIND"] == "daemon").start()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]
)");
  }
  ServerProcess start(const char* kind, const Arguments& more) const {
    Surroundings around = for_python();
    around.environment.emplace_back("FILES", dir_.path("pid-of-"));
    around.environment.emplace_back("KIND", kind);
    ServerProcess server = serve("starting:app", 1, more, around, dir_.path(""));
    EXPECT_EQ(get(server.address(), "/").body(), "fine");
    return server;
  }
  // Those that were started, whoever they belong to now.
  std::vector<pid_t> started() const {
    std::vector<pid_t> pids;
    for (const char* kind : {"daemon", "other"}) {
      EXPECT_TRUE(eventually([&] { return !read_file(dir_.path(std::string("pid-of-") + kind)).empty(); }, Millis(5'000)));
      pids.push_back(std::stoi(read_file(dir_.path(std::string("pid-of-") + kind))));
    }
    return pids;
  }
  static void expect_gone(const std::vector<pid_t>& pids) {
    for (pid_t pid : pids) EXPECT_TRUE(eventually([pid] { return !is_alive(pid); }, Millis(2'000))) << "an orphan";
  }
  std::vector<Arguments> ways() const {
    std::vector<Arguments> list = {{}};
    if (core().has_processes()) list.push_back({"--preload"});
    return list;
  }
  TempDir dir_;
};

TEST_P(WsgiProcessOfImport, ends_with_the_drain) {
  for (Arguments way : ways()) {
    way.insert(way.end(), {"--graceful-timeout", "1"});
    auto server = start("daemon", way);
    const std::vector<pid_t> pids = started();
    server.signal(SIGTERM);
    EXPECT_TRUE(server.wait_exit(Millis(6'000)).has_value()) << "within --graceful-timeout";
    EXPECT_EQ(lines_with(server.errors(), "Traceback"), 0) << server.errors();
    expect_gone(pids);
  }
}

TEST_P(WsgiProcessOfImport, ends_at_once_at_the_second_term) {
  for (const Arguments& way : ways()) {
    auto server = start("none", way);
    const std::vector<pid_t> pids = started();
    if (is_thread_sanitized()) GTEST_SKIP() << "whose signals wait while Python does";
    server.signal(SIGTERM);
    EXPECT_FALSE(server.wait_exit(Millis(500)).has_value()) << "it waits for the process, as Python does";
    server.signal(SIGTERM);
    EXPECT_TRUE(server.wait_exit(Millis(3'000)).has_value());
    EXPECT_EQ(lines_with(server.errors(), "Traceback"), 0) << server.errors();
    expect_gone(pids);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiProcessOfImport, ::testing::ValuesIn(manners()), manner_name);

}  // namespace
}  // namespace corelab::test
