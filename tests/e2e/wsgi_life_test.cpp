// A Python application's life: forks, reloads, the end of the server, and handlers that end badly or never.

#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/busy_clients.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using WsgiLife = WsgiMannerTest;

TEST_P(WsgiLife, term_while_python_sleeps_waits_for_the_answer) {
  auto server = serve("lives:app", 2);
  expect_term_to_wait_for_a_nap(server);
}

TEST_P(WsgiLife, exit_functions_run_at_its_end) {
  auto server = serve("lives:app", 2);
  ASSERT_EQ(get(server.address(), "/lives").body(), "alive");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "the end of "), core().has_processes() ? 2 : 1) << server.errors();
}

TEST_P(WsgiLife, exit_and_interrupt_in_a_handler_end_the_request_alone) {
  auto server = serve("answers:app", 1);
  for (const auto& [path, name] : {std::pair("/exits", "SystemExit: 3"), std::pair("/interrupts", "KeyboardInterrupt")}) {
    EXPECT_EQ(get(server.address(), path).status(), 500) << path;
    EXPECT_TRUE(server.says(name, Millis(2'000))) << server.errors();
    EXPECT_EQ(get(server.address(), "/fine").body(), "fine") << "after " << path;
  }
  EXPECT_FALSE(server.wait_exit(Millis(0)).has_value());
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiLife, ::testing::ValuesIn(manners()), manner_name);

// They look for it in the program that loads them, wherever that has it from.
TEST_F(WsgiTest, modules_written_in_c_find_python) {
  const TempDir dir;
  dir.write("extended.py", R"(
import ctypes

version = ctypes.pythonapi.Py_GetVersion
version.restype = ctypes.c_char_p


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [version()]
)");
  const auto server = serve("thread-pool", "extended:app", {}, dir.path(""));
  EXPECT_EQ(get(server.address(), "/").body().substr(0, 2), "3.");
}

// On helper threads a close() that takes its time, too, is nobody else's.
class WsgiHelpers : public WsgiMannerTest {};

TEST_P(WsgiHelpers, keep_a_slow_close_from_the_loop) {
  const auto server = serve("closing:app", 1);
  ASSERT_EQ(get(server.address(), "/quick").body(), "quick");
  Client slow(server.address());
  slow.send(get_request("/slow"));
  std::this_thread::sleep_for(Millis(200));
  EXPECT_LT(time_of([&] { EXPECT_EQ(get(server.address(), "/quick").body(), "quick"); }), patient(Millis(500)));
  EXPECT_EQ(slow.read_response().body(), "abcd");
}

// Whoever asks has its answer while close() waits for a file that is not there yet.
TEST_P(WsgiHelpers, close_what_a_client_has_left) {
  const TempDir dir;
  auto server = serve("closing:app", 1);
  Client client(server.address());
  client.send(get_request("/endless?" + dir.path("file")));
  ASSERT_TRUE(client.await_bytes(50'000));
  client.reset();
  ASSERT_TRUE(server.says("closing", Millis(3'000)));
  EXPECT_EQ(get(server.address(), "/quick").body(), "quick");
  server.signal(SIGTERM);  // a drain waits for it
  EXPECT_FALSE(server.wait_exit(Millis(500)).has_value());
  EXPECT_EQ(lines_with(server.errors(), "closed"), 0) << server.errors();
  dir.write("file", "");
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "closed"), 1) << server.errors();
}

TEST_P(WsgiHelpers, close_what_came_too_late) {
  const TempDir dir;
  const auto server = serve("closing:app", 1, {"--request-timeout", "0.3"});
  EXPECT_EQ(get(server.address(), "/late?" + dir.path("file")).status(), 504);
  ASSERT_TRUE(server.says("closing", Millis(3'000)));
  EXPECT_EQ(get(server.address(), "/quick").body(), "quick");
  EXPECT_EQ(lines_with(server.errors(), "closed"), 0) << server.errors();
  dir.write("file", "");
  EXPECT_TRUE(server.says("closed", Millis(3'000)));
}

TEST_P(WsgiHelpers, close_what_no_answer_has_room_for) {
  const TempDir dir;
  const auto server = serve("closing:app", 1);
  Client client(server.address());
  client.send(get_request("/unmodified?" + dir.path("file")));
  ASSERT_TRUE(server.says("closing", Millis(3'000)));
  EXPECT_EQ(get(server.address(), "/quick").body(), "quick");
  dir.write("file", "");
  EXPECT_EQ(client.read_response().status(), 304);
}

INSTANTIATE_TEST_SUITE_P(Loops, WsgiHelpers, ::testing::ValuesIn([] {
                           std::vector<Manner> loops = manners();
                           std::erase_if(loops, [](const Manner& manner) { return !manner.offloads; });
                           return loops;
                         }()),
                         manner_name);

class WsgiProcesses : public WsgiMannerTest {
 protected:
  struct Born {
    pid_t imported_in = 0, served_in = 0, parent = 0;
    int forks = 0;  // that the application was told of
  };
  static Born ask(const ServerProcess& server) {
    Client client(server.address());
    return ask(client);
  }
  static Born ask(Client& client) {
    Born born;
    std::istringstream(client.ask(get_request("/")).body()) >> born.imported_in >> born.served_in >> born.parent >> born.forks;
    return born;
  }
  static void expect_both_workers_work(const ServerProcess& server) {
    std::set<pid_t> seen;
    EXPECT_TRUE(eventually(
        [&] {
          // One after the other they might all come to the same one.
          Client first(server.address()), second(server.address());
          EXPECT_EQ(first.ask(get_request("/works")).body(), "works");
          seen.insert(ask(first).served_in);
          seen.insert(ask(second).served_in);
          return seen.size() == 2 || ::testing::Test::HasFailure();
        },
        Millis(5'000)))
        << seen.size() << " of two workers serve";
  }
};

TEST_P(WsgiProcesses, import_the_application_each) {
  const auto server = serve("processes:app", 2);
  const Born born = ask(server);
  EXPECT_EQ(born.imported_in, born.served_in);
  EXPECT_EQ(born.parent, server.pid());
  EXPECT_EQ(born.forks, 0);
  expect_both_workers_work(server);
}

TEST_P(WsgiProcesses, with_preload_share_what_their_supervisor_imported) {
  auto server = serve("processes:app", 2, {"--preload"});
  const Born born = ask(server);
  EXPECT_EQ(born.imported_in, server.pid());
  EXPECT_EQ(born.parent, server.pid());
  EXPECT_EQ(born.forks, 1);
  expect_both_workers_work(server);
  // One that takes another's place works as well.
  const pid_t victim = born.served_in;
  ::kill(victim, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !is_alive(victim) && children_of(server.pid()).size() == 2; }, Millis(5'000)));
  expect_both_workers_work(server);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(WsgiProcesses, with_preload_run_exit_functions_in_each) {
  auto server = serve("lives:app", 2, {"--preload"});
  ASSERT_EQ(get(server.address(), "/lives").body(), "alive");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "the end of "), 2 + 1) << server.errors();
}

TEST_P(WsgiProcesses, import_changed_code_on_hup_without_a_lost_request) {
  const TempDir dir;
  const auto write = [&](const std::string& version) {
    dir.write("changing.py",
              "def app(environ, start_response):\n"
              "    start_response('200 OK', [])\n"
              "    return [b'constant' if environ['PATH_INFO'] == '/constant' else b'" + version + "']\n");
  };
  write("old");
  auto server = serve("changing:app", 2, {"--app-dir", dir.path("")});
  ASSERT_EQ(get(server.address(), "/").body(), "old");
  BusyClients clients(server.address(), 4, {{"/constant", "constant"}});
  write("new");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/").body() == "new"; }, Millis(5'000))) << server.errors();
  EXPECT_TRUE(clients.await_answers(100, Millis(5'000)));
  const Tally tally = clients.stop();
  EXPECT_EQ(tally.failures() + tally.refusals, 0u) << tally;
}

TEST_P(WsgiProcesses, stay_when_hup_finds_the_code_broken) {
  const TempDir dir;
  dir.write("breaking.py",
            "def app(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [b'works']\n");
  auto server = serve("breaking:app", 2, {"--app-dir", dir.path("")});
  const auto workers = children_of(server.pid());
  dir.write("breaking.py", "1 / 0\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return server.errors().find("cannot be imported") != std::string::npos; }, Millis(5'000)));
  std::this_thread::sleep_for(Millis(500));
  EXPECT_EQ(children_of(server.pid()), workers) << server.errors();
  EXPECT_EQ(get(server.address(), "/").body(), "works");
}

TEST_P(WsgiProcesses, that_are_blocked_for_ever_are_replaced) {
  auto server = serve("lives:app", 1, {"--timeout", "1"});
  for (const char* path : {"/sleeps", "/spins", "/stalls"}) {
    SCOPED_TRACE(path);
    const auto before = children_of(server.pid());
    Client stuck(server.address());
    stuck.send(get_request(path));
    EXPECT_TRUE(eventually(
        [&] {
          const auto now = children_of(server.pid());
          return now.size() == 1 && now != before;
        },
        Millis(8'000)))
        << server.errors();
    EXPECT_EQ(get(server.address(), "/lives").body(), "alive");
    const Reply reply = stuck.read_response(false, Millis(2'000));
    EXPECT_TRUE(reply.ended == Ended::closed || reply.ended == Ended::cut_short || reply.ended == Ended::reset)
        << reply.detail;
  }
}

INSTANTIATE_TEST_SUITE_P(CoresWithProcesses, WsgiProcesses, ::testing::ValuesIn([] {
                           std::vector<Manner> processes = manners();
                           std::erase_if(processes, [](const Manner& manner) { return !manner.core.has_processes(); });
                           return processes;
                         }()),
                         manner_name);

}  // namespace
}  // namespace corelab::test
