// --slow-handler: who holds a loop or a thread is named while it does, once a route, with its stack where it has one.

#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <thread>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

class WsgiSlowHandler : public WsgiMannerTest {
 protected:
  const char* holder() const { return core().evented() && !GetParam().offloads ? "loop" : "thread"; }
};

TEST_P(WsgiSlowHandler, is_named_with_its_stack) {
  const auto server = serve("slow:app", 1, {"--slow-handler", "0.1"});
  EXPECT_EQ(get(server.address(), "/quick").body(), "quick");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(get(server.address(), "/report?user=1").body(), "reported");
    EXPECT_EQ(get(server.address(), "/calculation").body(), "calculated");
    EXPECT_EQ(get(server.address(), "/streamed").body(), "firstsecond");
  }
  const std::string said = server.errors();
  EXPECT_EQ(lines_with(said, "slow handler: "), 3) << said;
  EXPECT_EQ(lines_with(said, std::string("slow handler: GET /report has held its ") + holder() + " for 0."), 1) << said;
  EXPECT_EQ(lines_with(said, "slow.py, line 7, in sleeps < "), 1) << said;
  EXPECT_EQ(lines_with(said, "in report < "), 1) << said;
  EXPECT_EQ(lines_with(said, ", in computes < "), 2) << said;
  EXPECT_EQ(lines_with(said, ", in streamed"), 1) << said;
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiSlowHandler, ::testing::ValuesIn(manners()), manner_name);

using SlowHandler = CoreTest;

TEST_P(SlowHandler, is_named_when_hup_asks_for_it) {
  const TempDir dir;
  const std::string config = dir.write("corelab.toml", "");
  auto server = serve_with_workers(1, {"-c", config});
  EXPECT_EQ(get(server.address(), "/block?ms=400").status(), 200);
  EXPECT_EQ(lines_with(server.errors(), "slow handler"), 0);
  dir.write("corelab.toml", "slow-handler = 0.1\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually(
      [&] {
        EXPECT_EQ(get(server.address(), "/block?ms=400").status(), 200);
        return server.errors().find("slow handler: GET /block has held its ") != std::string::npos;
      },
      Millis(5'000)))
      << server.errors();
}

// Of paths without number only so many are named.
TEST_F(WsgiTest, slow_handlers_are_named_up_to_a_hundred) {
  const TempDir dir;
  dir.write("slowly.py", "import time\ndef app(e, s):\n  time.sleep(0.02)\n  s('200 OK', [])\n  return [b'x']\n");
  const auto server = serve("event-loop", "slowly:app", {"--slow-handler", "0.005"}, dir.path(""));
  Client client(server.address());
  for (int i = 0; i < 110; ++i) ASSERT_EQ(client.ask(get_request("/" + std::to_string(i) + "?query")).status(), 200);
  EXPECT_EQ(lines_with(server.errors(), "slow handler: GET /"), 100);
  EXPECT_EQ(lines_with(server.errors(), "no more routes are named"), 1);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, SlowHandler, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
