// One request is one context and one thread, from the call of the application to close(): nobody's data is in another's
// answer, however slowly clients take theirs.

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"

namespace corelab::test {
namespace {

struct Asked {
  int written = 0, blocks = 30;
  std::size_t size = 50'000;
  int lines() const { return written + blocks; }
};

// A client that takes 4 MB/s of what isolation:app answers, and sees that all of it is its own.
void take_slowly(const std::string& address, const std::string& name, const Asked& asked, bool leaves) {
  SCOPED_TRACE(name);
  Client client(address);
  client.shrink_receive_buffer(32 * 1024);
  std::ostringstream target;
  target << "/?name=" << name << "&written=" << asked.written << "&blocks=" << asked.blocks << "&size=" << asked.size;
  ASSERT_TRUE(client.send(get_request(target.str(), "Connection: close\r\n")));
  const std::size_t all = static_cast<std::size_t>(asked.lines()) * asked.size;
  constexpr std::size_t step = 100'000;
  for (std::size_t wanted = step; wanted < all; wanted += step) {
    ASSERT_TRUE(client.await_bytes(wanted)) << "after " << client.received() << " bytes";
    if (leaves && wanted > all / 3) return;
    std::this_thread::sleep_for(Millis(25));
  }
  const Reply reply = client.read_response();
  ASSERT_EQ(reply.status(), 200) << reply.detail;
  ASSERT_EQ(reply.body().size(), all);
  EXPECT_EQ(*reply.response.header("x-before"), "nobody") << "another's context";
  std::istringstream body(reply.body());
  int row = 0;
  for (std::string line; std::getline(body, line);) {
    std::istringstream words(line);
    std::string in_context, in_thread, thread;
    int number = 0;
    words >> in_context >> in_thread >> thread >> number;
    EXPECT_EQ(in_context, name);
    EXPECT_EQ(in_thread, name);
    EXPECT_EQ(thread, *reply.response.header("x-thread"));
    EXPECT_EQ(number, ++row);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(row, asked.lines());
}

// Several at once, the first of which leaves early, if there are blocks to be given up: what is only being written has no
// close(). That runs where the rest did, its client there or not.
void expect_answers_to_be_apart(const ServerProcess& server, int clients, const Asked& asked) {
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back(take_slowly, server.address(), "client" + std::to_string(i), asked, i == 0 && asked.written == 0);
    std::this_thread::sleep_for(Millis(100));
  }
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < clients; ++i) {
    const std::string name = "client" + std::to_string(i);
    EXPECT_TRUE(server.says("closed " + name + " nobody " + name + " ", Millis(5'000))) << server.errors();
  }
}

using WsgiIsolation = WsgiMannerTest;

TEST_P(WsgiIsolation, of_two_slow_clients) {
  const auto server = serve("isolation:app", 2);
  expect_answers_to_be_apart(server, 2, {});
}

TEST_P(WsgiIsolation, of_eight_slow_clients) {
  const auto server = serve("isolation:app", 4);
  expect_answers_to_be_apart(server, 8, {});
}

TEST_P(WsgiIsolation, of_blocks_that_are_small) {
  const auto server = serve("isolation:app", 2);
  expect_answers_to_be_apart(server, 4, {.blocks = 20'000, .size = 64});
}

TEST_P(WsgiIsolation, of_what_is_written) {
  const auto server = serve("isolation:app", 2);
  expect_answers_to_be_apart(server, 2, {.written = 15, .blocks = 15});
}

TEST_P(WsgiIsolation, of_what_is_imported_ahead_of_the_forks) {
  if (!core().has_processes()) GTEST_SKIP() << "--preload is for cores with processes";
  const auto server = serve("isolation:app", 2, {"--preload"});
  expect_answers_to_be_apart(server, 4, {});
}

TEST_P(WsgiIsolation, of_interpreters_with_locks_of_their_own) {
  const RunResult asked = run_corelab({"serve", "--core", "thread-pool", "--app", "wsgi:x:y", "--gil", "own", "--check-config"});
  if (asked.err.find("takes Python 3.12 or newer") != std::string::npos) GTEST_SKIP() << asked.err;
  Surroundings around = for_python();
  around.environment.emplace_back("DATABASE", "none");  // the module sqlite3 of 3.12.1 bears no second interpreter
  const auto server = serve("isolation:app", 2, {"--gil", "own"}, around);
  expect_answers_to_be_apart(server, 4, {});
}

// A context that one request sets and does not reset is gone with it.
TEST_P(WsgiIsolation, of_requests_that_follow_each_other) {
  const auto server = serve("isolation:app", 1);
  Client client(server.address());
  for (const char* name : {"first", "second", "third"}) {
    const Reply reply = client.ask(get_request(std::string("/?name=") + name + "&blocks=2&size=64"));
    ASSERT_EQ(reply.status(), 200) << reply.detail;
    EXPECT_EQ(*reply.response.header("x-before"), "nobody");
    if (reply.response.says_close()) client = Client(server.address());
  }
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiIsolation, ::testing::ValuesIn(manners()), manner_name);

}  // namespace
}  // namespace corelab::test
