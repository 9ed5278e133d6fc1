// How a server of a Python application starts and ends, whatever the application does meanwhile: long imports, changed
// directories, signal handlers, work that goes on.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

Surroundings with(std::vector<std::pair<std::string, std::string>> variables) {
  Surroundings around = for_python();
  around.environment.insert(around.environment.end(), variables.begin(), variables.end());
  return around;
}

class WsgiStart : public WsgiMannerTest {
 protected:
  Arguments command(const Arguments& more = {}) const {
    Arguments words{"serve", "--core", core().name, "-b", "127.0.0.1:0"};
    for (const Arguments& part : {wsgi("starting:app"), workers(core(), 1), more}) words.insert(words.end(), part.begin(), part.end());
    if (GetParam().offloads) words.insert(words.end(), {"--offload", "4"});
    return words;
  }
  std::vector<Arguments> ways() const {
    std::vector<Arguments> list = {{}};
    if (core().has_processes()) list.push_back({"--preload"});
    return list;
  }
};

TEST_P(WsgiStart, is_ended_by_term_and_int_while_the_application_is_imported) {
  for (const Arguments& way : ways()) {
    for (int number : {SIGTERM, SIGINT}) {
      SCOPED_TRACE(number);
      auto server = ServerProcess::starting(command(way), with({{"IMPORT_SECONDS", "60"}}));
      std::this_thread::sleep_for(patient(Millis(300)));
      server.signal(number);
      const auto code = server.wait_exit(Millis(2'000));
      ASSERT_TRUE(code.has_value()) << server.errors();
      EXPECT_LE(*code, 1) << server.errors();
      EXPECT_FALSE(server.errors().empty()) << "it says what was ended";
    }
  }
}

TEST_P(WsgiStart, writes_its_process_id_when_it_serves) {
  const TempDir dir;
  const std::string file = dir.path("pid");
  for (const Arguments& way : ways()) {
    Arguments words = way;
    words.insert(words.end(), {"--pid", file});
    auto server = ServerProcess::starting(command(words), with({{"IMPORT_SECONDS", "0.5"}}));
    std::this_thread::sleep_for(Millis(300));
    EXPECT_EQ(read_file(file), "") << "while it imports";
    ASSERT_TRUE(server.says("listening on", Millis(5'000))) << server.errors();
    EXPECT_EQ(read_file(file), std::to_string(server.pid()) + "\n");
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
    EXPECT_EQ(read_file(file), "");
  }
}

TEST_P(WsgiStart, imports_and_calls_in_the_main_thread_where_one_thread_calls) {
  const auto server = serve("starting:app", 1);
  const bool has_one_thread = core().name == "prefork" || (core().evented() && !GetParam().offloads);
  EXPECT_EQ(get(server.address(), "/threads").body(), has_one_thread ? "True True" : "True False");
  EXPECT_EQ(get(server.address(), "/loop").body(), "ran");
}

TEST_P(WsgiStart, means_the_same_files_when_the_application_has_changed_directory) {
  const TempDir dir, elsewhere;
  dir.write("corelab.toml", "log-level = \"info\"\n");
  Surroundings around = with({{"IMPORT_CHDIR", elsewhere.path("")}});
  around.directory = dir.path("");
  auto server = ServerProcess::starting(
      [&] {
        Arguments words{"serve", "--core", core().name, "-b", "unix:socket"};
        for (const Arguments& part : {wsgi("starting:app"), workers(core(), 1)}) words.insert(words.end(), part.begin(), part.end());
        if (GetParam().offloads) words.insert(words.end(), {"--offload", "4"});
        words.insert(words.end(), {"-c", "corelab.toml", "--access-logfile", "access.log", "--error-logfile", "error.log",
                                   "--pid", "pid"});
        return words;
      }(),
      around);
  ASSERT_TRUE(server.says("listening on", Millis(5'000))) << server.errors();
  ASSERT_EQ(get("unix:" + dir.path("socket"), "/threads").status(), 200);
  const auto has = [](const std::string& file, const std::string& part) {
    return eventually([&] { return read_file(file).find(part) != std::string::npos; }, Millis(3'000));
  };
  EXPECT_TRUE(has(dir.path("access.log"), "/threads"));
  ASSERT_EQ(::rename(dir.path("access.log").c_str(), dir.path("old.log").c_str()), 0);
  server.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return ::access(dir.path("access.log").c_str(), F_OK) == 0; }, Millis(3'000)));
  EXPECT_NE(::access(elsewhere.path("access.log").c_str(), F_OK), 0);
  dir.write("corelab.toml", "log-level = \"info\"\nkeep-alive = 7\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(has(dir.path("error.log"), "reload: done")) << read_file(dir.path("error.log"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_NE(::access(dir.path("socket").c_str(), F_OK), 0) << "it is taken away";
  EXPECT_NE(::access(dir.path("pid").c_str(), F_OK), 0);
}

TEST_P(WsgiStart, works_without_standard_streams) {
  const TempDir dir;
  const std::string socket = "unix:" + dir.path("socket");
  Surroundings around = for_python();
  around.closed = {0, 1, 2};
  Arguments words = command({"--access-logfile", dir.path("access.log"), "--error-logfile", dir.path("error.log")});
  *std::find(words.begin(), words.end(), "127.0.0.1:0") = socket;
  auto server = ServerProcess::starting(words, around);
  ASSERT_TRUE(eventually([&] { int error = 0; return Client::connect(socket, Millis(500), error).has_value(); }, Millis(5'000)));
  EXPECT_EQ(get(socket, "/threads").status(), 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
  EXPECT_EQ(read_file(dir.path("access.log")).find("imported"), std::string::npos) << "a print lands in a log";
}

TEST_P(WsgiStart, shares_usr1_with_a_handler_of_the_applications) {
  for (const Arguments& way : ways()) {
    const TempDir dir;
    Arguments words = way;
    words.insert(words.end(), {"--access-logfile", dir.path("access.log")});
    const auto server = serve("starting:app", 1, words, with({{"IMPORT_HANDLES", "SIGUSR1"}}));
    ASSERT_EQ(::rename(dir.path("access.log").c_str(), dir.path("old.log").c_str()), 0);
    server.signal(SIGUSR1);
    EXPECT_TRUE(eventually([&] { return get(server.address(), "/signals").body() == "SIGUSR1"; }, Millis(3'000)))
        << get(server.address(), "/signals").body();
    EXPECT_TRUE(eventually([&] { return ::access(dir.path("access.log").c_str(), F_OK) == 0; }, Millis(3'000)));
  }
}

TEST_P(WsgiStart, shares_usr1_with_faulthandler) {
  const auto server = serve("starting:app", 1, {}, with({{"IMPORT_HANDLES", "faulthandler"}}));
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  ::kill(pid, SIGUSR1);
  EXPECT_TRUE(server.says("hread 0x", Millis(3'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/threads").status(), 200);
}

TEST_P(WsgiStart, is_no_ring_where_faulthandler_calls_the_handler_before) {
  const TempDir dir;
  const auto server = serve("starting:app", 1, {"--access-logfile", dir.path("access.log")},
                            with({{"IMPORT_HANDLES", "chaining-faulthandler"}}));
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  for (int i = 1; i <= 3; ++i) {
    ::kill(pid, SIGUSR1);
    EXPECT_TRUE(eventually([&] { return lines_with(server.errors(), "Current thread") + lines_with(server.errors(), "hread 0x") >= i; },
                           Millis(3'000)));
    std::this_thread::sleep_for(Millis(50));
  }
  EXPECT_TRUE(is_alive(pid));
  EXPECT_LE(lines_with(server.errors(), "hread 0x"), 3 * static_cast<int>(thread_count(pid))) << server.errors();
  EXPECT_EQ(get(server.address(), "/threads").status(), 200);
}

TEST_P(WsgiStart, is_ended_by_term_though_the_import_has_taken_that) {
  auto server = ServerProcess::starting(command(), with({{"IMPORT_HANDLES", "SIGTERM"}, {"IMPORT_SECONDS_THEN", "60"}}));
  ASSERT_TRUE(server.says("the application's handler for SIGTERM is never called", Millis(5'000))) << server.errors();
  server.signal(SIGTERM);
  const auto code = server.wait_exit(Millis(3'000));
  ASSERT_TRUE(code.has_value()) << server.errors();
  EXPECT_LE(*code, 1) << server.errors();
}

TEST_P(WsgiStart, runs_other_handlers_of_the_applications) {
  const auto server = serve("starting:app", 1, {}, with({{"IMPORT_HANDLES", "SIGWINCH"}}));
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  ::kill(pid, SIGWINCH);
  EXPECT_TRUE(eventually([&] { return get(server.address(), "/signals").body() == "SIGWINCH"; }, Millis(3'000)));
}

TEST_P(WsgiStart, lets_an_alarm_interrupt_a_handler_in_the_main_thread) {
  const bool has_one_thread = core().name == "prefork" || (core().evented() && !GetParam().offloads);
  if (!has_one_thread) GTEST_SKIP() << "handlers run in other threads";
  const auto server = serve("starting:app", 1);
  EXPECT_EQ(get(server.address(), "/alarm").body(), "interrupted");
}

TEST_P(WsgiStart, keeps_term_for_itself_and_says_so) {
  for (const Arguments& way : ways()) {
    auto server = serve("starting:app", 1, way, with({{"IMPORT_HANDLES", "SIGTERM SIGHUP"}}));
    EXPECT_TRUE(server.says("the application's handler for SIGTERM is never called", Millis(2'000))) << server.errors();
    EXPECT_TRUE(server.says("the application's handler for SIGHUP is never called", Millis(2'000))) << server.errors();
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  }
}

TEST_P(WsgiStart, lets_no_signal_into_the_exit_functions) {
  auto server = serve("starting:app", 1, {}, with({{"IMPORT_HANDLES", "raisingSIGWINCH"}}));
  ASSERT_EQ(get(server.address(), "/at_exit").body(), "registered");
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  ::kill(pid, SIGWINCH);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "the exit function ends"), 1) << server.errors();
}

TEST_P(WsgiStart, lets_executors_and_threads_finish_at_its_end) {
  auto server = serve("starting:app", 1, {}, with({{"WORK_SECONDS", "1"}}));
  ASSERT_EQ(get(server.address(), "/work").body(), "begun");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(6'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "the work is done"), 2) << server.errors();
}

TEST_P(WsgiStart, ends_without_them_when_the_drain_has_taken_too_long) {
  const TempDir dir;
  auto server = serve("starting:app", 1, {"--graceful-timeout", "0.5", "--pid", dir.path("pid"), "-b", "127.0.0.1:0", "-b",
                                          "unix:" + dir.path("socket")},
                      with({{"WORK_SECONDS", "60"}}));
  ASSERT_EQ(get(server.address(), "/work").body(), "begun");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(4'000)), 1) << server.errors();
  for (const char* name : {"pid", "socket"}) EXPECT_NE(::access(dir.path(name).c_str(), F_OK), 0) << name << " is left behind";
  EXPECT_TRUE(server.says("did not end (its threads, executors, exit functions)", Millis(500))) << server.errors();
}

// Whoever has asked for a restart may think better of it.
TEST_P(WsgiStart, of_a_successor_is_ended_by_term_with_its_predecessor) {
  const TempDir dir;
  const std::string socket = dir.path("socket");
  dir.write("changing.py", "import time\ndef app(e, s):\n  time.sleep(1)\n  s('200 OK', [])\n  return [b'old']\n");
  auto server = serve("changing:app", 2, {"-b", "127.0.0.1:0", "-b", "unix:" + socket}, for_python(), dir.path(""));
  dir.write("changing.py", "import time\ntime.sleep(60)\n");
  server.signal(SIGUSR2);
  std::this_thread::sleep_for(patient(Millis(500)));
  Client client("unix:" + socket);
  ASSERT_TRUE(client.send(get_request("/")));
  std::this_thread::sleep_for(Millis(200));
  server.signal(SIGTERM);
  EXPECT_EQ(client.read_response().body(), "old");
  EXPECT_EQ(server.wait_exit(Millis(6'000)), 0) << server.errors();
  int error = 0;
  EXPECT_TRUE(eventually([&] { return !Client::connect(server.address(), Millis(200), error); }, Millis(3'000))) << "somebody listens";
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiStart, ::testing::ValuesIn(manners()), manner_name);

class WsgiWorkerStart : public WsgiStart {};

TEST_P(WsgiWorkerStart, has_a_deadline_of_its_own) {
  const auto server = serve("starting:app", 2, {"--timeout", "0.5"}, with({{"IMPORT_SECONDS", "1"}}));
  EXPECT_EQ(get(server.address(), "/threads").status(), 200);
  EXPECT_EQ(lines_with(server.errors(), "killing"), 0) << server.errors();
}

TEST_P(WsgiWorkerStart, is_given_up_after_a_few_tries) {
  auto server = ServerProcess::starting(command({"--start-timeout", "0.3"}), with({{"IMPORT_SECONDS", "60"}}));
  EXPECT_EQ(server.wait_exit(Millis(6'000)), 1) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "has not come up in 0.3 s, importing its application"), 3) << server.errors();
  for (const char* flag : {"--start-timeout", "--timeout", "--preload"}) EXPECT_GT(lines_with(server.errors(), flag), 0) << flag;
}

// What HUP starts and does not come up leaves its predecessor in peace.
TEST_P(WsgiWorkerStart, that_comes_too_late_ends_no_predecessor) {
  const TempDir dir;
  dir.write("changing.py", "def app(e, s):\n  s('200 OK', [])\n  return [b'old']\n");
  const std::string config = dir.write("corelab.toml", "start-timeout = 20\n");
  const auto server = serve("changing:app", 1, {"-c", config}, for_python(), dir.path(""));
  ASSERT_EQ(get(server.address(), "/").body(), "old");
  dir.write("changing.py", "import time\ntime.sleep(60)\n");
  dir.write("corelab.toml", "start-timeout = 0.4\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(server.says("has not come up in 0.4 s", Millis(4'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/").body(), "old");
}

TEST_P(WsgiWorkerStart, that_ends_in_its_import_has_failed_whatever_its_code) {
  auto server = ServerProcess::starting(command(), with({{"IMPORT_EXITS", "0"}}));
  EXPECT_EQ(server.wait_exit(Millis(6'000)), 1) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "no worker has come up in 3 tries"), 1) << server.errors();
}

TEST_P(WsgiWorkerStart, is_announced_when_all_that_are_wanted_serve) {
  Arguments words = command();
  *std::find(words.begin(), words.end(), "1") = "2";
  const auto server = ServerProcess::starting(words, with({{"IMPORT_SECONDS", "1"}}));
  std::this_thread::sleep_for(Millis(400));
  server.signal(SIGTTOU);
  EXPECT_TRUE(server.says("listening on", Millis(5'000))) << server.errors();
}

// Between its fork and its first look a worker hears signals as its supervisor does.
TEST_P(WsgiWorkerStart, survives_signals_to_the_whole_group) {
  const auto server = serve("starting:app", 4);
  auto before = children_of(server.pid());
  for (int pause_us : {0, 100, 200, 300, 500, 800, 1200}) {
    server.signal(SIGHUP);
    std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    server.signal(SIGUSR1);
    server.signal(SIGTTIN);
    server.signal(SIGTTOU);
    std::this_thread::sleep_for(Millis(150));
  }
  const auto are_new = [&] {
    const auto now = children_of(server.pid());
    return now.size() == 4 && std::none_of(now.begin(), now.end(), [&](pid_t pid) {
             return std::find(before.begin(), before.end(), pid) != before.end();
           });
  };
  EXPECT_TRUE(eventually(are_new, Millis(10'000))) << server.errors();
  EXPECT_EQ(lines_with(server.errors(), "killed by signal"), 0) << server.errors();
}

TEST_P(WsgiWorkerStart, of_an_application_that_takes_all_statuses_ends_with_the_others) {
  if (is_thread_sanitized()) GTEST_SKIP() << "whose processes have no threads behind a fork beside some";
  auto server = serve("starting:app", 4, {"--preload", "--graceful-timeout", "2"}, with({{"IMPORT_WAITS", "1"}}));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(6'000)), 0) << server.errors();
}

TEST_P(WsgiWorkerStart, of_a_preloaded_application_is_ended_at_once_by_the_second_term) {
  auto server = serve("starting:app", 2, {"--preload"}, with({{"EXIT_SECONDS", "30"}}));
  server.signal(SIGTERM);
  EXPECT_FALSE(server.wait_exit(Millis(500)).has_value()) << "it waits for the exit functions";
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(4'000)), 1) << server.errors();
}

TEST_P(WsgiWorkerStart, prints_what_a_preloaded_application_prints_once) {
  auto server = serve("starting:app", 2, {"--preload"});
  for (int i = 0; i < 2; ++i) {
    const auto before = children_of(server.pid());
    server.signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return children_of(server.pid()) != before && children_of(server.pid()).size() == 2; }, Millis(5'000)));
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
  EXPECT_EQ(lines_with(server.output(), "imported"), 1) << server.output();
}

INSTANTIATE_TEST_SUITE_P(CoresWithProcesses, WsgiWorkerStart, ::testing::ValuesIn([] {
                           std::vector<Manner> list = manners();
                           std::erase_if(list, [](const Manner& m) { return !m.core.has_processes() || m.offloads; });
                           return list;
                         }()),
                         manner_name);

// The same process id file, twice.
class PidFile : public ::testing::Test {
 protected:
  TempDir dir_;
  const std::string file_ = dir_.path("pid");
};

TEST_F(PidFile, is_left_alone_by_another_start_that_fails) {
  const ServerProcess server("event-loop", {"--pid", file_});
  const RunResult other = run_corelab({"serve", "--core", "event-loop", "-b", server.address(), "--pid", file_});
  EXPECT_EQ(other.code, 1) << other.err;
  EXPECT_EQ(read_file(file_), std::to_string(server.pid()) + "\n");
}

TEST_F(PidFile, is_left_to_its_successor) {
  ServerProcess first("event-loop", {"--pid", file_});
  const ServerProcess second("prefork", {"--pid", file_});
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait_exit(Millis(5'000)), 0);
  EXPECT_EQ(read_file(file_), std::to_string(second.pid()) + "\n");
}

}  // namespace
}  // namespace corelab::test
