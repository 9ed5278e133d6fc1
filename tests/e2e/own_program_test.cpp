// A program of one's own, that serves one app: it goes by its own name, and has the options of the server alone. It is
// waiting_app.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

// The program under test, started under another name while this lives.
class Renamed {
 public:
  explicit Renamed(const std::string& name) : before_(corelab_binary()) {
    if (::symlink(before_.c_str(), dir_.path(name).c_str()) != 0) throw std::runtime_error("symlink");
    ::setenv("CORELAB_BIN", dir_.path(name).c_str(), 1);
  }
  ~Renamed() { ::setenv("CORELAB_BIN", before_.c_str(), 1); }

 private:
  const TempDir dir_;
  const std::string before_;
};

void expect_refused(const Arguments& arguments, const std::string& mentions) {
  const RunResult run = run_corelab(arguments);
  EXPECT_EQ(run.code, 2) << run.err;
  EXPECT_TRUE(run.err.starts_with("waiting_app: ")) << run.err;
  EXPECT_NE(run.err.find(mentions), std::string::npos) << "does not mention " << mentions << ": " << run.err;
  EXPECT_EQ(run.err.find("corelab "), std::string::npos) << "another's name: " << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << "not one line: " << run.err;
}

TEST(OwnProgram, says_its_own_name_when_it_refuses) {
  expect_refused({}, "waiting_app serve");
  expect_refused({"nosuch"}, "waiting_app --help");
  expect_refused({"serve", "--nosuch"}, "waiting_app serve --help");
  expect_refused({"serve", "--core", "nosuch"}, "nosuch");
}

TEST(OwnProgram, says_its_own_name_in_its_help) {
  for (const Arguments& arguments : {Arguments{"--help"}, Arguments{"serve", "--help"}}) {
    const RunResult run = run_corelab(arguments);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_NE(run.out.find("Usage: waiting_app "), std::string::npos) << run.out;
    EXPECT_EQ(run.out.find("corelab"), std::string::npos) << run.out;
  }
}

TEST(OwnProgram, refuses_what_says_something_to_other_apps_as_it_refuses_what_is_unknown) {
  const TempDir dir;
  for (const std::string name :
       {"app", "db", "upstream", "app-dir", "virtualenv", "switch-interval", "preload", "gil"}) {
    expect_refused({"serve", "--" + name, "x"}, "--" + name);
    expect_refused({"serve", "-c", dir.write("a.toml", name + " = \"x\"\n")}, "'" + name + "' is no setting");
    EXPECT_EQ(run_corelab({"serve", "--help"}).out.find("--" + name + " "), std::string::npos) << name;
  }
}

std::string server_field(const Reply& reply) {
  const std::string* value = reply.response.header("server");
  return value != nullptr ? *value : "(none)";
}

using OwnProgramOn = CoreTest;

TEST_P(OwnProgramOn, takes_the_configuration_that_it_has_printed) {
  const RunResult printed = run_corelab({"serve", "--core", core().name, "--print-config"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  const TempDir dir;
  const Arguments with_it{"serve", "-c", dir.write("printed.toml", printed.out)};
  Arguments again = with_it;
  again.emplace_back("--print-config");
  const RunResult second = run_corelab(again);
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.out, printed.out);
}

TEST_P(OwnProgramOn, announces_itself_and_answers_under_its_own_name) {
  const auto server = serve_with_workers(2);
  EXPECT_TRUE(server.announcement().starts_with("waiting_app: listening on 127.0.0.1:")) << server.announcement();
  EXPECT_EQ(server_field(get(server.address(), "/plaintext")), "waiting_app");
  EXPECT_EQ(server_field(get(server.address(), "/nosuch")), "waiting_app");
}

TEST_P(OwnProgramOn, answers_under_the_librarys_name_if_its_own_is_no_token) {
  const Renamed renamed("my server");
  const auto server = serve_with_workers(2);
  EXPECT_TRUE(server.announcement().starts_with("my server: listening on ")) << server.announcement();
  EXPECT_EQ(server_field(get(server.address(), "/plaintext")), "corelab");
}

// One sentence, and an end as after any error; of a worker, that worker's.
TEST_P(OwnProgramOn, ends_with_a_sentence_by_an_error_that_nobody_catches) {
  const TempDir dir;
  auto server = serve_with_workers(2, {"--pid", dir.path("pid"), "-b", "127.0.0.1:0", "-b", "unix:" + dir.path("socket")});
  const Reply reply = get(server.address(), "/uncaught");
  EXPECT_TRUE(reply.ended == Ended::closed || reply.ended == Ended::reset) << reply.detail;
  EXPECT_TRUE(server.says("an error that nobody has caught: of a thread: the process ends", Millis(2'000))) << server.errors();
  if (core().has_processes()) {
    EXPECT_TRUE(server.says("ended with code 1; another starts", Millis(2'000))) << server.errors();
    EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
    return;
  }
  EXPECT_EQ(server.wait_exit(Millis(3'000)), 1) << server.errors();
  for (const char* name : {"pid", "socket"}) EXPECT_NE(::access(dir.path(name).c_str(), F_OK), 0) << name << " is left behind";
}

INSTANTIATE_TEST_SUITE_P(EveryCore, OwnProgramOn, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
