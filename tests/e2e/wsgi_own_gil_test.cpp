// --gil own: an interpreter with its own lock for each thread. Where the Python that the program was built with is too
// old for that, it is refused (wsgi_refusal_test) and the rest is skipped.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using nlohmann::json;

// The sentence by which a program with an older Python refuses it; empty with any other answer, so that the tests fail
// where a newer one is refused.
const std::string& why_not() {
  static const std::string why = [] {
    const RunResult run =
        run_corelab({"serve", "--core", "thread-pool", "--app", "wsgi:x:y", "--gil", "own", "--check-config"});
    const bool is_too_old = run.code == 2 && run.err.find("takes Python 3.12 or newer") != std::string::npos;
    return is_too_old ? run.err : std::string();
  }();
  return why;
}

Arguments own_gil(Arguments more = {}) {
  more.insert(more.end(), {"--gil", "own"});
  return more;
}

class WsgiOwnGil : public WsgiMannerTest {
 protected:
  void SetUp() override {
    WsgiMannerTest::SetUp();
    if (!IsSkipped() && !why_not().empty()) GTEST_SKIP() << why_not();
  }
};

// A call as tests/e2e/wsgi_app/apart.py saw it.
struct Call {
  long process = 0, thread = 0, interpreter = 0;
  int calls_of_module = 0, calls_of_thread = 0;
};

Call call_in(const Reply& reply) {
  EXPECT_EQ(reply.status(), 200) << reply.detail << reply.body();
  Call call;
  std::istringstream(reply.body()) >> call.process >> call.thread >> call.interpreter >> call.calls_of_module >>
      call.calls_of_thread;
  return call;
}

TEST_P(WsgiOwnGil, gives_each_thread_its_own_module_and_keeps_it) {
  const auto server = serve("apart:app", 2, own_gil(holding(core())));
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) clients.emplace_back(server.address());
  using Thread = std::pair<long, long>;
  std::map<Thread, std::set<int>> calls;
  std::map<Thread, std::set<long>> interpreters_of;
  std::map<Thread, std::set<Thread>> threads_of;  // by process and interpreter
  for (int i = 0; i < 10; ++i) {
    for (auto& client : clients) client.send(get_request(i == 0 ? "/counts_slowly" : "/counts"));
    for (auto& client : clients) {
      const Call call = call_in(client.read_response());
      const Thread thread{call.process, call.thread};
      EXPECT_TRUE(calls[thread].insert(call.calls_of_module).second) << "it has been forgotten";
      EXPECT_EQ(call.calls_of_thread, call.calls_of_module) << "another thread has been in this one's module";
      interpreters_of[thread].insert(call.interpreter);
      threads_of[{call.process, call.interpreter}].insert(thread);
    }
  }
  for (const auto& [thread, numbers] : calls) EXPECT_EQ(*numbers.rbegin(), static_cast<int>(numbers.size()));
  for (const auto& [thread, interpreters] : interpreters_of) EXPECT_EQ(interpreters.size(), 1u) << "it was not kept";
  for (const auto& [interpreter, threads] : threads_of) EXPECT_EQ(threads.size(), 1u) << "it is shared";
  if (core().name.starts_with("thread-p") || GetParam().offloads) {
    EXPECT_GE(calls.size(), 2u) << "two that sleep at once want two";
  }
}

TEST_P(WsgiOwnGil, answers_as_the_shared_one_does) {
  const auto server = serve("answers:app", 2, own_gil());
  EXPECT_EQ(get(server.address(), "/fine").body(), "fine");
  EXPECT_EQ(get(server.address(), "/generated").body(), "generated");
  EXPECT_EQ(get(server.address(), "/writes").body(), "one two three");
  EXPECT_EQ(get(server.address(), "/large").body().size(), 3'000'000u);
  EXPECT_EQ(get(server.address(), "/mended").status(), 503);
  EXPECT_EQ(get(server.address(), "/no_content").status(), 204);
  for (const auto& [path, name] : {std::pair("/raises", "RuntimeError: a secret"), std::pair("/exits", "SystemExit: 3"),
                                   std::pair("/text_block", "TypeError: the application's iterable must give bytes")}) {
    EXPECT_EQ(get(server.address(), path).status(), 500) << path;
    EXPECT_TRUE(server.says(name, Millis(2'000))) << server.errors();
    EXPECT_EQ(get(server.address(), "/fine").body(), "fine") << "after " << path;
  }
}

TEST_P(WsgiOwnGil, closes_each_iterable_once) {
  const auto server = serve("bodies:app", 1, own_gil());
  EXPECT_EQ(get(server.address(), "/whole").body(), "first second");
  EXPECT_EQ(get(server.address(), "/failing").ended, Ended::cut_short);
  for (const char* name : {"whole", "failing"}) {
    const std::string line = std::string("closed: ") + name;
    EXPECT_TRUE(server.says(line, Millis(2'000)));
    EXPECT_EQ(lines_with(server.errors(), line), 1) << server.errors();
  }
}

TEST_P(WsgiOwnGil, is_a_process_of_its_own_to_the_application) {
  const auto server = serve("environs:app", 2, own_gil());
  const json environ = json::parse(get(server.address(), "/").body());
  EXPECT_EQ(environ["wsgi.multithread"], false);
  EXPECT_EQ(environ["wsgi.multiprocess"], core().name != "event-loop" || GetParam().offloads);
}

TEST_P(WsgiOwnGil, drains_and_runs_the_exit_functions_of_each) {
  auto server = serve("lives:app", 1, own_gil());
  // Each process has imported it once, to see that it can be.
  const int trials = lines_with(server.errors(), "the end of ");
  EXPECT_EQ(trials, 1) << server.errors();
  expect_term_to_wait_for_a_nap(server);
  EXPECT_EQ(lines_with(server.errors(), "the end of "), trials + 1) << server.errors();
}

TEST_P(WsgiOwnGil, keeps_an_account_of_its_lock) {
  const auto server = serve("lives:app", 1, own_gil());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(server.address(), "/computes").body(), "computed");
  const json worker = json::parse(get(server.address(), "/stats").body())["workers"][0];
  EXPECT_EQ(worker["gil_uncontended"].get<int>() + worker["gil_wait_us"]["count"].get<int>(), 5);
  EXPECT_EQ(worker["gil_held_us"]["count"], 5) << "of calls that are so long each is measured";
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiOwnGil, ::testing::ValuesIn(manners()), manner_name);

// What is the same code on every core.
class WsgiOwnGilImport : public WsgiTest {
 protected:
  void SetUp() override {
    WsgiTest::SetUp();
    if (!IsSkipped() && !why_not().empty()) GTEST_SKIP() << why_not();
  }
  void write(const std::string& code) const {
    dir_.write("written.py", code + "\ndef app(environ, start_response):\n"
                                    "    start_response('200 OK', [])\n"
                                    "    return [b'works']\n");
  }
  RunResult run(const std::string& core) const {
    Arguments arguments{"serve", "--core", core, "-b", "127.0.0.1:0"};
    for (const Arguments& more : {wsgi("written:app", dir_.path("")), own_gil()})
      arguments.insert(arguments.end(), more.begin(), more.end());
    return run_corelab(arguments, for_python());
  }
  void expect_refusal(const std::string& sentence) const {
    for (const char* core : {"thread-pool", "prefork"}) {
      const RunResult refused = run(core);
      EXPECT_EQ(refused.code, 1) << refused.err;
      EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
      EXPECT_NE(refused.err.find(sentence), std::string::npos) << refused.err;
    }
  }

  const TempDir dir_;
};

TEST_F(WsgiOwnGilImport, that_fails_is_said_before_anyone_connects) {
  write("1 / 0");
  expect_refusal("ZeroDivisionError: division by zero (" + dir_.path("written.py") + ", line 1)");
}

TEST_F(WsgiOwnGilImport, of_an_extension_that_refuses_it_says_what_to_use) {
  write("import _testsinglephase");
  const RunResult refused = run("thread-pool");
  if (refused.err.find("No module named") != std::string::npos) {
    GTEST_SKIP() << "this Python comes without its own test modules, one of which refuses";
  }
  expect_refusal("_testsinglephase does not support loading in subinterpreters");
  expect_refusal("use --gil shared");
}

TEST_F(WsgiOwnGilImport, that_fails_later_fails_the_request_and_is_tried_again) {
  write("");
  const auto server = serve("thread-pool", "written:app", own_gil({"--workers", "1"}), dir_.path(""));
  write("1 / 0");
  EXPECT_EQ(get(server.address(), "/").status(), 500);
  EXPECT_TRUE(server.says("ZeroDivisionError: division by zero", Millis(2'000))) << server.errors();
  write("");
  EXPECT_EQ(get(server.address(), "/").body(), "works");
}

TEST_F(WsgiOwnGilImport, ends_with_its_thread) {
  const auto server = serve("thread-per-connection", "lives:app", own_gil());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get(server.address(), "/lives").body(), "alive");
  EXPECT_TRUE(eventually([&] { return lines_with(server.errors(), "the end of ") == 1 + 5; }, Millis(5'000)))
      << server.errors();
}

// The trial at the start waits for no thread that the application starts; a thread's own end does, unless they are daemons.
TEST_F(WsgiOwnGilImport, waits_at_its_end_for_threads_that_are_no_daemons) {
  for (const char* kind : {"True", "False"}) {
    SCOPED_TRACE(std::string("daemon=") + kind);
    const bool is_waited_for = kind == std::string("False");
    write("import atexit, sys, threading\n"
          "atexit.register(lambda: sys.stderr.write('the end\\n'))\n"
          "threading.Thread(target=threading.Event().wait, daemon=" + std::string(kind) + ").start()\n");
    auto server = serve("thread-pool", "written:app", own_gil({"--workers", "1", "--graceful-timeout", "1"}), dir_.path(""));
    EXPECT_EQ(get(server.address(), "/").body(), "works");
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_exit(Millis(5'000)), is_waited_for ? 1 : 0) << server.errors();
    // Of the trial at its start, and of its thread.
    EXPECT_EQ(lines_with(server.errors(), "the end"), is_waited_for ? 1 : 2) << server.errors();
  }
}

}  // namespace
}  // namespace corelab::test
