// Where a running server listens and what it leaves behind: addresses, the announcement, pid file, access
// log, trace.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

bool exists(const std::string& path) {
  struct stat ignored;
  return ::stat(path.c_str(), &ignored) == 0;
}

bool has_ipv6() {
  int error = 0;
  Client::connect("[::1]:1", Millis(200), error);
  return error == ECONNREFUSED;
}

using Running = CoreTest;

TEST_P(Running, announces_itself_in_one_line_when_it_can_be_connected_to) {
  const auto server = serve_with_workers(2);
  EXPECT_TRUE(std::regex_match(
      server.announcement(),
      std::regex(R"(corelab: listening on 127\.0\.0\.1:[0-9]+ core=\S+ workers=\S+ .*pid=[0-9]+.*)")))
      << server.announcement();
  EXPECT_NE(server.announcement().find("core=" + core().name + " "), std::string::npos)
      << server.announcement();
  EXPECT_NE(server.announcement().find("pid=" + std::to_string(server.pid())), std::string::npos);
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_EQ(server.errors(), server.announcement() + "\n") << "more than the one line on standard error";
}

TEST_P(Running, listens_on_a_unix_socket_and_removes_it) {
  const TempDir dir;
  const std::string path = dir.path("socket");
  {
    auto server = serve({"-b", "unix:" + path});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get("unix:" + path, "/plaintext").status(), 200);
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  }
  EXPECT_FALSE(exists(path));
}

TEST_P(Running, takes_over_a_unix_socket_that_nobody_listens_on) {
  const TempDir dir;
  const std::string path = dir.path("socket");
  {
    auto killed = serve({"-b", "unix:" + path});
    killed.signal(SIGKILL);
    killed.wait_exit(Millis(3'000));
  }
  ASSERT_TRUE(exists(path));
  const auto server = serve({"-b", "unix:" + path});
  EXPECT_EQ(get("unix:" + path, "/plaintext").status(), 200);
  // And one that somebody listens on is refused, like a port.
  EXPECT_EQ(run_corelab({"serve", "--core", core().name, "-b", "unix:" + path}).code, 1);
  EXPECT_EQ(get("unix:" + path, "/plaintext").status(), 200);
}

TEST_P(Running, listens_on_ipv6) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6 loopback";
  const auto server = serve({"-b", "[::1]:0"});
  EXPECT_TRUE(server.address().starts_with("[::1]:")) << server.address();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

TEST_P(Running, listens_on_every_bind) {
  const TempDir dir;
  const std::string unix_socket = "unix:" + dir.path("socket");
  const auto server = serve({"-b", "127.0.0.1:0", "-b", unix_socket, "--bind", "127.0.0.1:0"});
  ASSERT_EQ(server.addresses().size(), 3u) << server.announcement();
  for (const auto& address : server.addresses())
    for (int i = 0; i < 10; ++i) EXPECT_EQ(get(address, "/plaintext").status(), 200) << address;
}

TEST_P(Running, writes_a_pid_file_and_removes_it) {
  const TempDir dir;
  const std::string path = dir.path("pid");
  auto server = serve({"--pid", path});
  EXPECT_EQ(std::atoi(read_file(path).c_str()), server.pid()) << read_file(path);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
  EXPECT_FALSE(exists(path));
}

TEST_P(Running, writes_a_line_an_answer_to_the_access_log) {
  const TempDir dir;
  const std::string path = dir.path("access.log");
  auto server = serve_with_workers(2, {"--access-logfile", path});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  EXPECT_EQ(get(server.address(), "/nosuch?a=b").status(), 404);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
  const std::string log = read_file(path);
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 11) << log;
  const std::regex hello(R"(127\.0\.0\.1.*"GET /plaintext HTTP/1\.1" 200 13)");
  EXPECT_EQ(std::distance(std::sregex_iterator(log.begin(), log.end(), hello), std::sregex_iterator()), 10)
      << log;
  EXPECT_TRUE(std::regex_search(log, std::regex(R"("GET /nosuch\?a=b HTTP/1\.1" 404 )"))) << log;
}

TEST_P(Running, traces_requests_for_perfetto) {
  const TempDir dir;
  const std::string path = dir.path("trace.json");
  auto server = serve_with_workers(2, {"--trace", path});
  {
    Client client(server.address());
    for (const std::string target : {"/plaintext", "/sleep?ms=10", "/bytes?n=1000000"})
      EXPECT_EQ(client.ask(get_request(target)).status(), 200);
  }
  server.signal(SIGTERM);
  ASSERT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  const auto trace = nlohmann::json::parse(read_file(path), nullptr, false);
  ASSERT_FALSE(trace.is_discarded()) << read_file(path).substr(0, 1000);
  const auto& events = trace.is_array() ? trace : trace.at("traceEvents");
  std::set<std::string> names;
  for (const auto& event : events) {
    EXPECT_TRUE(event.contains("ph") && event.contains("pid")) << event;
    if (event.at("ph") == "M") continue;
    EXPECT_TRUE(event.at("ts").is_number()) << event;
    EXPECT_GE(event.value("dur", 0.0), 0) << event;
    names.insert(event.at("name"));
  }
  for (const std::string name : {"accept", "queued", "handler", "waiting", "write"})
    EXPECT_TRUE(names.count(name)) << "no event " << name;
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Running, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
