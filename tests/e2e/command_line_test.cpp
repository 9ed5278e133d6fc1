// The command line: what is refused, with which code and sentence; where a value comes from; what it prints.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

const std::string kCore = "event-loop";

// A refusal is one line on standard error that mentions what is wrong, and nothing on standard output.
void expect_refused(const Arguments& arguments, int code, const std::string& mentions,
                    const Surroundings& around = {}) {
  std::string command;
  for (const auto& word : arguments) command += " " + word;
  SCOPED_TRACE("corelab" + command);
  const RunResult run = run_corelab(arguments, around);
  ASSERT_TRUE(run.code.has_value()) << "it did not end: " << run.err;
  EXPECT_EQ(*run.code, code) << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << "not one line: " << run.err;
  EXPECT_GE(run.err.size(), 20u) << "not a sentence: " << run.err;
  EXPECT_NE(run.err.find(mentions), std::string::npos) << "does not mention " << mentions << ": " << run.err;
  EXPECT_EQ(run.err.find("what()"), std::string::npos) << "an exception got out: " << run.err;
  EXPECT_EQ(run.out, "");
}

Arguments serve(Arguments more, const std::string& core = kCore) {
  Arguments all{"serve", "--core", core, "-b", "127.0.0.1:0"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(Refused, core_that_does_not_exist) {
  expect_refused({"serve", "--core", "nosuch"}, 2, "nosuch");
  const RunResult run = run_corelab({"serve", "--core", "nosuch"});
  EXPECT_NE(run.err.find(kCore), std::string::npos) << "does not say which cores there are: " << run.err;
}
TEST(Refused, app_that_does_not_exist) { expect_refused(serve({"--app", "nosuch"}), 2, "nosuch"); }
TEST(Refused, unknown_flag) { expect_refused(serve({"--nosuch", "1"}), 2, "--nosuch"); }
TEST(Refused, unknown_command) { expect_refused({"nosuch"}, 2, "nosuch"); }

TEST(Refused, workers_of_zero) {
  for (const Core& core : cores()) expect_refused(serve({"--workers", "0"}, core.name), 2, "workers");
}
TEST(Refused, workers_that_are_no_number) {
  expect_refused(serve({"--workers", "-1"}, cores().back().name), 2, "workers");
  expect_refused(serve({"--workers", "many"}, cores().back().name), 2, "workers");
}
TEST(Refused, workers_on_a_core_that_has_none) {
  ASSERT_TRUE(has_core(kCore));
  expect_refused(serve({"--workers", "4"}), 2, kCore);
  // It says what to use instead: another core.
  const RunResult run = run_corelab(serve({"--workers", "4"}));
  EXPECT_TRUE(std::any_of(cores().begin(), cores().end(), [&](const Core& core) {
    return core.takes_workers && run.err.find(core.name) != std::string::npos;
  })) << run.err;
}
TEST(Refused, timeout_on_a_core_without_processes) {
  for (const Core& core : cores_where([](const Core& some) { return !some.has_processes(); }))
    expect_refused(serve({"--timeout", "5"}, core.name), 2, "--timeout");
}

TEST(Refused, bind_that_is_no_address) {
  for (const std::string address : {"nonsense", "127.0.0.1:http", "127.0.0.1:70000", "[::1:80", "unix:"})
    expect_refused({"serve", "--core", kCore, "-b", address}, 2, "bind");
}
TEST(Refused, address_of_another_machine) {
  // Well-formed, but not ours (RFC 5737): the operating system says no.
  expect_refused({"serve", "--core", kCore, "-b", "192.0.2.1:8000"}, 1, "192.0.2.1");
}
TEST(Refused, unix_socket_in_a_directory_that_does_not_exist) {
  expect_refused({"serve", "--core", kCore, "-b", "unix:/nonexistent/socket"}, 1, "/nonexistent/socket");
}
TEST(Refused, deadlines_and_limits_that_mean_nothing) {
  for (const std::string flag : {"--keep-alive", "--head-timeout", "--body-timeout", "--write-timeout",
                                 "--request-timeout", "--graceful-timeout"}) {
    expect_refused(serve({flag, "-1"}), 2, flag.substr(2));
    expect_refused(serve({flag, "soon"}), 2, flag.substr(2));
  }
  for (const std::string flag : {"--limit-request-line", "--limit-request-fields", "--limit-request-head",
                                 "--limit-request-body", "--worker-connections", "--backlog"})
    expect_refused(serve({flag, "-1"}), 2, flag.substr(2));
  expect_refused(serve({"--worker-connections", "0"}), 2, "worker-connections");
  expect_refused(serve({"--keep-alive-policy", "nosuch"}, cores().front().name), 2, "nosuch");
  expect_refused(serve({"--log-level", "nosuch"}), 2, "nosuch");
}
TEST(Refused, upstream_that_is_no_numeric_address) {
  expect_refused(serve({"--upstream", "example.org:80"}), 2, "upstream");
  expect_refused(serve({"--upstream", "127.0.0.1"}), 2, "upstream");
}
TEST(Refused, upstream_that_is_the_server_itself) {
  expect_refused({"serve", "--core", kCore, "-b", "127.0.0.1:18999", "--upstream", "127.0.0.1:18999"}, 2,
                 "upstream");
}
TEST(Refused, value_of_the_environment) {
  expect_refused(serve({}), 2, "CORELAB_KEEP_ALIVE", {.environment = {{"CORELAB_KEEP_ALIVE", "soon"}}});
}

TEST(Refused, file_that_is_missing) {
  expect_refused(serve({"-c", "/nonexistent/corelab.toml"}), 1, "/nonexistent/corelab.toml");
}
TEST(Refused, file_that_cannot_be_read) {
  const TempDir dir;
  // Root reads files of mode 0, but nobody reads a directory.
  expect_refused(serve({"-c", dir.path("")}), 1, dir.path(""));
  if (::geteuid() != 0) {
    const std::string file = dir.write("secret.toml", "keep-alive = 1\n");
    ::chmod(file.c_str(), 0);
    expect_refused(serve({"-c", file}), 1, file);
  }
}
TEST(Refused, file_with_an_unknown_key) {
  const TempDir dir;
  expect_refused(serve({"-c", dir.write("a.toml", "keep-alife = 1\n")}), 2, "keep-alife");
}
TEST(Refused, file_with_a_value_of_the_wrong_kind) {
  const TempDir dir;
  expect_refused(serve({"-c", dir.write("a.toml", "keep-alive = \"soon\"\n")}), 2, "keep-alive");
}
TEST(Refused, file_that_is_no_toml) {
  const TempDir dir;
  expect_refused(serve({"-c", dir.write("a.toml", "keep-alive = = 1\n")}), 2, "a.toml");
}
TEST(Refused, file_with_a_combination_that_means_nothing) {
  const TempDir dir;
  expect_refused(serve({"-c", dir.write("a.toml", "workers = 4\n")}), 2, kCore);
}
TEST(Refused, pid_file_that_cannot_be_written) {
  expect_refused(serve({"--pid", "/nonexistent/pid"}), 1, "/nonexistent/pid");
}
TEST(Refused, log_file_that_cannot_be_written) {
  expect_refused(serve({"--access-logfile", "/nonexistent/log"}), 1, "/nonexistent/log");
}

TEST(CheckConfig, accepts_what_is_right_without_listening) {
  for (const Core& core : cores()) {
    const RunResult run = run_corelab({"serve", "--core", core.name, "--check-config"});
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.err.find("listening"), std::string::npos) << run.err;
  }
}
TEST(CheckConfig, refuses_what_is_wrong) {
  const TempDir dir;
  expect_refused({"serve", "--core", kCore, "--check-config", "-c", dir.write("a.toml", "nosuch = 1\n")}, 2,
                 "nosuch");
  expect_refused({"serve", "--core", kCore, "--check-config", "--workers", "4"}, 2, kCore);
}

// The value of keep-alive that --print-config shows, whatever it puts around it.
std::string printed_keep_alive(const Arguments& more, const Surroundings& around = {}) {
  Arguments arguments{"serve", "--core", kCore, "--print-config"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const RunResult run = run_corelab(arguments, around);
  EXPECT_EQ(run.code, 0) << run.err;
  std::smatch match;
  if (!std::regex_search(run.out, match, std::regex(R"((^|\n)\s*keep[-_]alive"?\s*[=:]\s*([0-9]+))")))
    return "no keep-alive in: " + run.out;
  return match[2];
}

TEST(Precedence, is_flag_then_environment_then_file_then_default) {
  const TempDir dir;
  const Arguments file{"-c", dir.write("a.toml", "keep-alive = 33\n")};
  const Surroundings environment{.environment = {{"CORELAB_KEEP_ALIVE", "44"}}};
  Arguments file_and_flag = file;
  file_and_flag.insert(file_and_flag.end(), {"--keep-alive", "55"});
  EXPECT_EQ(printed_keep_alive({}), "15");
  EXPECT_EQ(printed_keep_alive(file), "33");
  EXPECT_EQ(printed_keep_alive(file, environment), "44");
  EXPECT_EQ(printed_keep_alive(file_and_flag, environment), "55");
  EXPECT_EQ(printed_keep_alive({"--keep-alive", "55"}), "55");
  EXPECT_EQ(printed_keep_alive({}, environment), "44");
}
TEST(Precedence, file_may_be_named_by_the_environment) {
  const TempDir dir;
  EXPECT_EQ(
      printed_keep_alive({}, {.environment = {{"CORELAB_CONFIG", dir.write("a.toml", "keep-alive = 33\n")}}}),
      "33");
}
TEST(PrintConfig, prints_a_file_that_is_accepted_again) {
  const RunResult printed =
      run_corelab({"serve", "--core", kCore, "--keep-alive", "7", "-b", "127.0.0.1:0", "--print-config"});
  ASSERT_EQ(printed.code, 0) << printed.err;
  const TempDir dir;
  const RunResult again = run_corelab({"serve", "-c", dir.write("a.toml", printed.out), "--check-config"});
  EXPECT_EQ(again.code, 0) << again.err << printed.out;
}

TEST(Cores, table_names_every_core) {
  const RunResult run = run_corelab({"cores"});
  EXPECT_EQ(run.code, 0);
  for (const Core& core : cores()) EXPECT_NE(run.out.find(core.name), std::string::npos) << run.out;
}
TEST(Cores, json_has_the_columns_of_the_table) {
  const RunResult run = run_corelab({"cores", "--json"});
  ASSERT_EQ(run.code, 0);
  const auto rows = nlohmann::json::parse(run.out);
  ASSERT_TRUE(rows.is_array());
  for (const auto& row : rows)
    for (const char* column : {"name", "waiting", "unit", "distribution", "teaches"})
      EXPECT_TRUE(row.contains(column) && row[column].is_string() && !row[column].get<std::string>().empty())
          << row;
}
TEST(Cores, are_those_of_the_lab) {
  for (const std::string name : {"thread-per-connection", "thread-pool", "thread-pool-handoff", "event-loop",
                                 "multi-reactor", "prefork", "prefork-evented"})
    EXPECT_TRUE(has_core(name)) << name;
}

TEST(Version, is_printed) {
  const RunResult run = run_corelab({"--version"});
  EXPECT_EQ(run.code, 0);
  EXPECT_TRUE(std::regex_search(run.out, std::regex(R"([0-9]+\.[0-9]+\.[0-9]+)"))) << run.out;
}
TEST(Help, gives_units_and_defaults) {
  EXPECT_EQ(run_corelab({"--help"}).code, 0);
  const RunResult run = run_corelab({"serve", "--help"});
  EXPECT_EQ(run.code, 0);
  for (const std::string text : {"--keep-alive", "15", "seconds", "--worker-connections", "127.0.0.1:8000"})
    EXPECT_NE(run.out.find(text), std::string::npos) << text;
}
TEST(Help, without_a_command_says_what_to_do) {
  const RunResult run = run_corelab({});
  EXPECT_EQ(run.code, 2);
  EXPECT_NE((run.out + run.err).find("serve"), std::string::npos);
}

}  // namespace
}  // namespace corelab::test
