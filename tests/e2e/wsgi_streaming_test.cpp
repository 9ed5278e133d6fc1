// Answers that come in pieces: each piece is on its way before the next is made, nobody waits for a client that has left,
// and progress is life.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"

namespace corelab::test {
namespace {

using WsgiWrite = WsgiMannerTest;

TEST_P(WsgiWrite, sends_each_piece_before_it_returns) {
  const auto server = serve("streaming:app", 1);
  Client client(server.address());
  client.send(get_request("/write-then-wait?seconds=2"));
  constexpr std::size_t head_and_piece = 140;
  EXPECT_TRUE(client.await_bytes(head_and_piece, Millis(1'000)));
  const Reply reply = client.read_response();
  EXPECT_EQ(reply.body(), "written returned") << reply.detail;
}

// Of the process that serves: the largest its memory has been, in KiB.
long peak_memory(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return -1;
}

TEST_P(WsgiWrite, holds_no_more_than_its_client_can_take) {
  const auto server = serve("streaming:app", 1, holding(core()));
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  ASSERT_EQ(get(server.address(), "/write?count=16").body().size(), 16u * 65536 + 4);
  const long before = peak_memory(pid);
  constexpr std::size_t megabytes = 100;
  Client large(server.address());
  large.send(get_request("/write?count=" + std::to_string(megabytes * 16)));
  ASSERT_TRUE(large.await_bytes(megabytes << 20));
  EXPECT_LT(peak_memory(pid) - before, 16 * 1024 * slowdown()) << "KiB more for an answer of 100 MiB";
}

TEST_P(WsgiWrite, is_told_that_its_client_has_left) {
  const auto server = serve("streaming:app", 1);
  Client client(server.address());
  client.send(get_request("/write-for-ever"));
  ASSERT_TRUE(client.await_bytes(1'000'000));
  client.reset();
  EXPECT_TRUE(server.says("write failed: the client has left", Millis(5'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/").body(), "done");
  EXPECT_EQ(lines_with(server.errors(), "Traceback"), 0) << server.errors();
}

TEST_P(WsgiWrite, is_cut_short_when_the_application_fails_behind_it) {
  const auto server = serve("streaming:app", 1);
  Client client(server.address());
  EXPECT_EQ(client.ask(get_request("/write-then-fail")).ended, Ended::cut_short);
  EXPECT_TRUE(server.says("ValueError: in the middle", Millis(2'000)));
  EXPECT_EQ(get(server.address(), "/").body(), "done");
}

TEST_P(WsgiWrite, is_cut_short_when_the_application_fails_behind_empty_blocks) {
  const auto server = serve("streaming:app", 1);
  Client client(server.address());
  EXPECT_EQ(client.ask(get_request("/empty-then-fail?written=part")).ended, Ended::cut_short);
  EXPECT_EQ(get(server.address(), "/empty-then-fail").status(), 500) << "nothing has been sent";
  EXPECT_EQ(get(server.address(), "/").body(), "done");
}

// Python's handlers run on the main thread when it is interrupted: in the middle of a wait for a slow client, too.
TEST_P(WsgiWrite, goes_on_when_the_application_handles_a_signal) {
  Surroundings around = for_python();
  around.environment.emplace_back("TIMER", "0.02");
  auto server = serve("streaming:app", 1, {}, around);
  Client slow(server.address());
  slow.shrink_receive_buffer(65536);
  ASSERT_TRUE(slow.send(get_request("/write?count=100")));
  std::this_thread::sleep_for(Millis(400));
  EXPECT_EQ(slow.read_response().body().size(), 100 * 65536 + 4u);
  EXPECT_EQ(get(server.address(), "/").body(), "done");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(WsgiWrite, has_no_body_behind_head) {
  const auto server = serve("streaming:app", 1);
  Client client(server.address());
  ASSERT_TRUE(client.send("HEAD /write?count=2 HTTP/1.1\r\nHost: h\r\n\r\n"));
  const Reply reply = client.read_response(true);
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  EXPECT_EQ(client.read_response(false, Millis(200)).ended, Ended::timed_out) << "nothing follows the head";
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiWrite, ::testing::ValuesIn(manners()), manner_name);

class WsgiBurst : public WsgiMannerTest {
 protected:
  // KiB, of the server and its processes, pages that they share counted once.
  static long memory(const ServerProcess& server) {
    std::vector<pid_t> pids = children_of(server.pid());
    pids.push_back(server.pid());
    long sum = 0;
    for (const pid_t pid : pids) {
      std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
      for (std::string line; std::getline(rollup, line);) {
        if (line.starts_with("Pss:")) sum += std::stol(line.substr(4));
      }
    }
    return sum;
  }
};

// What clients have asked for and left behind is nobody's: it goes back to the system.
TEST_P(WsgiBurst, leaves_no_memory_behind) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer holds what is freed";
  const auto server = serve("streaming:app", 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(server.address(), "/").status(), 200);
  const long before = memory(server);
  long most = before;
  for (int round = 0; round < 2; ++round) {
    std::vector<Client> clients;
    for (int i = 0; i < 30; ++i) {
      clients.emplace_back(server.address());
      clients.back().shrink_receive_buffer(4096);
      clients.back().send(get_request("/one-block?size=10000000"));
    }
    std::this_thread::sleep_for(Millis(300));
    most = std::max(most, memory(server));
  }
  EXPECT_GT(most, before + 9'000) << "there was no burst";
  EXPECT_TRUE(eventually([&] { return memory(server) < before + before / 10; }, Millis(20'000)))
      << before << " KiB before, " << most << " at most, " << memory(server) << " now";
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiBurst, ::testing::ValuesIn(manners()), manner_name);

// What a client sends and the application quotes is no line of the log.
TEST_F(WsgiTest, errors_forge_no_line_of_the_log) {
  const auto server = serve("event-loop", "streaming:app");
  EXPECT_EQ(get(server.address(), "/quote?text=x%0A2026-01-01T00:00:00.000%201%20info:%20forged").status(), 500);
  EXPECT_TRUE(server.says("ValueError", Millis(2'000)));
  EXPECT_EQ(lines_with(server.errors(), "info: forged"), 3) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "    2026-01-01T00:00:00.000 1 info: forged"), 3) << server.errors();
}

TEST_F(WsgiTest, head_has_a_limit) {
  const auto server = serve("event-loop", "streaming:app");
  EXPECT_EQ(get(server.address(), "/long-head?count=200").status(), 200);
  EXPECT_EQ(get(server.address(), "/long-head?count=300").status(), 500);
  EXPECT_TRUE(server.says("its head is longer than 256 KiB", Millis(2'000)));
}

// An iterable of nothing but empty blocks, from its start or behind a first one.
class WsgiEmptyBlocks : public WsgiMannerTest {
 protected:
  static constexpr const char* targets[] = {"/empty", "/empty?first=x"};
};

TEST_P(WsgiEmptyBlocks, end_when_their_client_has_left) {
  for (const char* target : targets) {
    SCOPED_TRACE(target);
    const auto server = serve("streaming:app", 1);
    Client client(server.address());
    client.send(get_request(target));
    EXPECT_FALSE(server.says("closed", Millis(300)));
    client.close();
    EXPECT_TRUE(server.says("closed", Millis(4'000)));
    EXPECT_EQ(get(server.address(), "/").body(), "done");
  }
}

TEST_P(WsgiEmptyBlocks, end_at_the_deadline) {
  const auto server = serve("streaming:app", 1, {"--request-timeout", "0.5"});
  Client client(server.address());
  EXPECT_EQ(client.ask(get_request(targets[0])).status(), 504);
  EXPECT_TRUE(server.says("closed", Millis(2'000)));
  Client other(server.address());
  EXPECT_EQ(other.ask(get_request(targets[1])).ended, Ended::cut_short);
  EXPECT_TRUE(eventually([&] { return lines_with(server.errors(), "closed") == 2; }, Millis(2'000)));
}

TEST_P(WsgiEmptyBlocks, leave_a_loop_to_others) {
  if (!core().evented()) GTEST_SKIP() << "a thread is its request's alone";
  for (const char* target : targets) {
    SCOPED_TRACE(target);
    const auto server = serve("streaming:app", 1);
    Client client(server.address());
    client.send(get_request(target));
    std::this_thread::sleep_for(Millis(100));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get(server.address(), "/healthz", Millis(1'000)).body(), "ok\n");
    // Who asks for the application has its turn as soon as there is one.
    Client waiting(server.address());
    waiting.send(get_request("/"));
    client.reset();
    EXPECT_EQ(waiting.read_response().body(), "done");
  }
}

TEST_P(WsgiEmptyBlocks, end_with_the_server) {
  for (const char* target : targets) {
    SCOPED_TRACE(target);
    auto server = serve("streaming:app", 1, {"--graceful-timeout", "0.5"});
    Client client(server.address());
    client.send(get_request(target));
    std::this_thread::sleep_for(Millis(100));
    server.signal(SIGTERM);
    EXPECT_TRUE(server.wait_exit(Millis(5'000)).has_value());
    EXPECT_EQ(lines_with(server.errors(), "closed"), 1) << server.errors();
  }
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiEmptyBlocks, ::testing::ValuesIn(manners()), manner_name);

class WsgiProgress : public WsgiMannerTest {};

TEST_P(WsgiProgress, is_life_however_long_the_answer_takes) {
  for (const char* target : {"/ticks", "/written-ticks"}) {
    const auto server = serve("streaming:app", 1, {"--timeout", "1", "--request-timeout", "30"});
    const std::string asked = std::string(target) + "?count=6&seconds=0.3";
    Client client(server.address());
    const Reply reply = client.ask(get_request(asked));
    EXPECT_TRUE(reply.body().starts_with("tick\ntick\ntick\ntick\ntick\ntick\n")) << reply.detail;
    EXPECT_EQ(lines_with(server.errors(), "killing"), 0) << server.errors();
  }
}

INSTANTIATE_TEST_SUITE_P(CoresWithProcesses, WsgiProgress, ::testing::ValuesIn([] {
                           std::vector<Manner> list = manners();
                           std::erase_if(list, [](const Manner& m) { return !m.core.has_processes(); });
                           return list;
                         }()),
                         manner_name);

}  // namespace
}  // namespace corelab::test
