// The command line, the environment and the file: precedence, and every refusal.

#include "servers/program/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "servers/registry.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab {
namespace {

using Words = std::vector<std::string>;

const Program corelab_program{.name = "corelab", .apps = {"lab", "echo", "wsgi:"}};
const Program own_program{.name = "mine", .apps = {}};

CommandLine read(Words words, const Program& program = corelab_program) {
  return read_command_line(Start::here(words), program);
}
Settings serve(Words options) {
  options.insert(options.begin(), "serve");
  return read(options).settings;
}

class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

std::string variable_of(const std::string& flag) {
  std::string name = "CORELAB_";
  for (char c : flag) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

/// The sentence that `options` are refused with.
std::string refusal(Words options, const Program& program = corelab_program) {
  try {
    Words words{"serve"};
    words.insert(words.end(), options.begin(), options.end());
    read(words, program);
  } catch (const UsageError& error) {
    std::string sentence = error.what();
    EXPECT_FALSE(sentence.empty());
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << "more than a line: " << sentence;
    return sentence;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not a UsageError: " << error.what();
    return error.what();
  }
  std::string all;
  for (const std::string& word : options) all += word + " ";
  ADD_FAILURE() << "was taken: " << all;
  return "";
}
bool mentions(const std::string& sentence, std::string_view what) {
  return sentence.find(what) != std::string::npos;
}

TEST(Options, defaults) {
  Settings s = serve({});
  EXPECT_EQ(s.core, "event-loop");
  EXPECT_EQ(s.app, "lab");
  EXPECT_EQ(s.bind, Words{"127.0.0.1:8000"});
  EXPECT_EQ(s.keep_alive, std::chrono::seconds(15));
  EXPECT_EQ(s.workers, 1u);
  EXPECT_EQ(s.limits.body, std::size_t{1} << 20);
  EXPECT_GE(serve({"--core", "thread-pool"}).workers, 4u);
  EXPECT_GE(serve({"--core", "multi-reactor"}).workers, 1u);
}

TEST(Options, flags_set_every_kind) {
  Settings s = serve({"--core=prefork", "-w", "3", "-b", "127.0.0.1:1", "--bind", "unix:x", "--keep-alive",
                      "0.5", "--keep-alive-policy", "hold", "--limit-request-body", "10", "--timeout", "2",
                      "--log-level", "error", "--max-requests", "7"});
  EXPECT_EQ(s.core, "prefork");
  EXPECT_EQ(s.workers, 3u);
  EXPECT_EQ(s.bind, (Words{"127.0.0.1:1", "unix:x"}));
  EXPECT_EQ(s.keep_alive, std::chrono::milliseconds(500));
  EXPECT_EQ(s.keep_alive_policy, KeepAlivePolicy::hold);
  EXPECT_EQ(s.limits.body, 10u);
  EXPECT_EQ(s.timeout, std::chrono::seconds(2));
  EXPECT_EQ(s.log_level, log::Level::error);
  EXPECT_EQ(s.max_requests, 7u);
}

TEST(Options, a_flag_goes_before_a_variable_before_the_file_before_the_default) {
  test::TempDir dir;
  std::string file = dir.write("c.toml", "keep-alive = 2\nhead-timeout = 2\nbody-timeout = 2\n");
  Variable keep_alive("CORELAB_KEEP_ALIVE", "3"), head("CORELAB_HEAD_TIMEOUT", "3");
  Settings s = serve({"--config", file, "--keep-alive", "4"});
  EXPECT_EQ(s.keep_alive, std::chrono::seconds(4));
  EXPECT_EQ(s.head_timeout, std::chrono::seconds(3));
  EXPECT_EQ(s.body_timeout, std::chrono::seconds(2));
  EXPECT_EQ(s.write_timeout, Settings{}.write_timeout);
}

TEST(Options, the_file_may_be_named_by_a_variable) {
  test::TempDir dir;
  std::string file =
      dir.write("c.toml", "core = \"thread-pool\"\nbind = [\"127.0.0.1:1\", \"[::1]:2\"]\nworkers = 5\n");
  Variable config("CORELAB_CONFIG", file.c_str());
  Settings s = serve({});
  EXPECT_EQ(s.core, "thread-pool");
  EXPECT_EQ(s.bind, (Words{"127.0.0.1:1", "[::1]:2"}));
  EXPECT_EQ(s.workers, 5u);
}

TEST(Options, of_wsgi_apps) {
  Settings s = serve({"--core", "prefork", "--app", "wsgi:a.b:c.d", "--app-dir", "x", "--switch-interval", "0.0005",
                      "--preload"});
  EXPECT_EQ(s.app, "wsgi:a.b:c.d");
  EXPECT_EQ(s.app_dir, "x");
  EXPECT_EQ(s.switch_interval, std::chrono::microseconds(500));
  EXPECT_TRUE(s.preload);
  EXPECT_GE(s.thread_stack, 1024u) << "Python's C code needs more than the cores do";
  EXPECT_EQ(serve({"--core", "thread-pool", "--app", "wsgi:a:b", "--thread-stack", "100"}).thread_stack, 100u);
}

TEST(Options, apps_that_are_not_built_are_refused) {
  EXPECT_THROW(read({"serve", "--app", "wsgi:a:b"}, {.name = "corelab", .apps = {"lab", "echo"}}), UsageError);
}

TEST(Options, variables_take_several_addresses) {
  Variable bind("CORELAB_BIND", "127.0.0.1:1,unix:a");
  EXPECT_EQ(serve({}).bind, (Words{"127.0.0.1:1", "unix:a"}));
}

TEST(Options, flags_are_refused_with_a_sentence) {
  EXPECT_TRUE(mentions(refusal({"--core", "nosuch"}), "multi-reactor")) << "it says what there is";
  EXPECT_TRUE(mentions(refusal({"--app", "nosuch"}), "lab"));
  EXPECT_TRUE(mentions(refusal({"--workers"}), "--workers needs a value"));
  EXPECT_TRUE(mentions(refusal({"--app", "wsgi:a"}), "wsgi:MODULE:CALLABLE"));
  EXPECT_TRUE(mentions(refusal({"--app", "wsgi::a"}), "wsgi:MODULE:CALLABLE"));
  EXPECT_TRUE(mentions(refusal({"--app", "wsgi:a:"}), "wsgi:MODULE:CALLABLE"));
  EXPECT_TRUE(mentions(refusal({"--app", "wsgi:a:b", "--db", "f"}), "lab"));
  EXPECT_TRUE(mentions(refusal({"--app-dir", "d"}), "wsgi:MODULE:CALLABLE"));
  EXPECT_TRUE(mentions(refusal({"--app", "wsgi:a:b", "--preload"}), "prefork"));
  EXPECT_TRUE(mentions(refusal({"--core", "prefork", "--app", "wsgi:a:b", "--preload", "--gil", "own"}), "--preload"));
  const Words options[] = {
      {"--nosuch", "1"},
      {"surplus"},
      {"--workers"},
      {"--core", "thread-pool", "--workers", "0"},
      {"--core", "thread-pool", "--workers", "-1"},
      {"--core", "thread-pool", "--workers", "x"},
      {"--core", "thread-pool", "--workers", "2.5"},
      {"--core", "thread-pool", "--workers", "99999999999999999999"},
      {"--backlog", "0"},
      {"--keep-alive", "-1"},
      {"--keep-alive", "nan"},
      {"--keep-alive", "inf"},
      {"--keep-alive", "1e9"},
      {"--head-timeout", "0"},
      {"--log-level", "loud"},
      {"--core", "thread-pool", "--keep-alive-policy", "never"},
      {"--bind", "nowhere"},
      {"--bind", "127.0.0.1:99999"},
      {"--control", "perhaps"},
      {"--upstream", "127.0.0.1"},
      {"--upstream", "127.0.0.1:8000"},
      {"--upstream", "localhost:9000"},
      {"--upstream", "127.0.0.1:0"},
      {"--bind", "0.0.0.0:9000", "--upstream", "127.0.0.1:9000"},
      {"--limit-request-line", "20000"},
      {"--limit-request-head", "10"},
      {"--limit-request-fields", "0"},
  };
  for (const Words& each : options) refusal(each);
}

TEST(Options, the_refusal_names_where_the_value_came_from) {
  EXPECT_TRUE(mentions(refusal({"--backlog", "x"}), "--backlog"));
  {
    Variable backlog("CORELAB_BACKLOG", "x");
    EXPECT_TRUE(mentions(refusal({}), "CORELAB_BACKLOG"));
  }
  for (const char* name : {"CORELAB_CORE", "CORELAB_APP", "CORELAB_BIND", "CORELAB_CONTROL", "CORELAB_UPSTREAM"}) {
    Variable nonsense(name, "nonsense");
    EXPECT_TRUE(refusal({}).starts_with(name)) << refusal({});
  }
  test::TempDir dir;
  std::string file = dir.write("c.toml", "backlog = \"x\"\n");
  std::string sentence = refusal({"-c", file});
  EXPECT_TRUE(mentions(sentence, file));
  EXPECT_TRUE(mentions(sentence, "backlog"));
}

TEST(Options, combinations_without_meaning_say_what_to_use) {
  EXPECT_TRUE(mentions(refusal({"--core", "event-loop", "--workers", "2"}), "multi-reactor"));
  EXPECT_TRUE(
      mentions(refusal({"--core", "thread-per-connection", "--workers", "2"}), "--worker-connections"));
  EXPECT_TRUE(mentions(refusal({"--core", "thread-pool", "--timeout", "2"}), "--request-timeout"));
  EXPECT_TRUE(mentions(refusal({"--core", "event-loop", "--max-requests", "2"}), "prefork"));
  EXPECT_TRUE(mentions(refusal({"--core", "thread-pool", "--offload", "2"}), "--offload"));
  EXPECT_TRUE(mentions(refusal({"--core", "thread-pool", "--offload-threads", "2"}), "--offload-threads"));
  EXPECT_TRUE(mentions(refusal({"--core", "event-loop", "--keep-alive-policy", "hold"}), "--keep-alive"));
  EXPECT_TRUE(mentions(refusal({"--core", "multi-reactor", "--thread-stack", "512"}), "--thread-stack"));
  EXPECT_TRUE(mentions(refusal({"--app", "echo", "--db", "rows"}), "--app lab"));
  EXPECT_TRUE(mentions(refusal({"--trace-limit", "10"}), "--trace FILE"));
}

/// What a flag means something to.
struct Meaning {
  std::string flag, value;
  Words cores;
};

const Meaning meanings[] = {
    {"workers", "2", {"thread-pool", "thread-pool-handoff", "multi-reactor", "prefork", "prefork-evented"}},
    {"timeout", "2", {"prefork", "prefork-evented"}},
    {"max-requests", "2", {"prefork", "prefork-evented"}},
    {"offload", "2", {"event-loop", "multi-reactor", "prefork-evented"}},
    {"offload-threads", "2", {"event-loop", "multi-reactor", "prefork-evented"}},
    {"keep-alive-policy", "hold", {"thread-per-connection", "thread-pool", "prefork"}},
    {"thread-stack", "512", {"thread-per-connection", "thread-pool", "thread-pool-handoff", "prefork"}},
};

TEST(Options, each_core_takes_what_means_something_to_it_and_refuses_the_rest_wherever_it_comes_from) {
  test::TempDir dir;
  for (const Meaning& meaning : meanings) {
    const std::string variable = variable_of(meaning.flag);
    const std::string file = dir.write("c.toml", meaning.flag + " = \"" + meaning.value + "\"\n");
    for (const CoreInfo* info : all_cores()) {
      const std::string core(info->name);
      SCOPED_TRACE(core + " with " + meaning.flag);
      const Words flag{"--core", core, "--" + meaning.flag, meaning.value};
      if (std::find(meaning.cores.begin(), meaning.cores.end(), core) != meaning.cores.end()) {
        EXPECT_NO_THROW(EXPECT_TRUE(mentions(to_toml(serve(flag)), meaning.flag + " = ")));
        continue;
      }
      EXPECT_FALSE(mentions("\n" + to_toml(serve({"--core", core})), "\n" + meaning.flag + " = "));
      const std::string by_flag = refusal(flag), by_file = refusal({"--core", core, "-c", file});
      Variable set(variable.c_str(), meaning.value.c_str());
      const std::string by_variable = refusal({"--core", core});
      EXPECT_TRUE(mentions(by_flag, "--" + meaning.flag + " has no meaning on " + core)) << by_flag;
      EXPECT_TRUE(mentions(by_file, file)) << by_file;
      EXPECT_TRUE(mentions(by_file, "has no meaning on " + core)) << by_file;
      EXPECT_TRUE(mentions(by_variable, variable + " has no meaning on " + core)) << by_variable;
    }
  }
}

TEST(Options, what_asks_for_no_more_than_there_is_is_taken) {
  EXPECT_EQ(serve({"--core", "event-loop", "--workers", "1"}).workers, 1u);
  EXPECT_EQ(serve({"--core", "thread-pool", "--offload", "0"}).offload, 0u);
  EXPECT_EQ(serve({"--core", "prefork", "--worker-connections", "50"}).worker_connections, 1u);
  EXPECT_EQ(serve({"--core", "prefork"}).worker_connections, 1u) << "the file limit is compared with it";
}

TEST(Options, bad_files_are_refused_with_a_sentence) {
  test::TempDir dir;
  for (const char* content :
       {"nosuch = 1\n", "keep-alive = \n", "keep-alive = true\n", "keep-alive = [1, 2]\n",
        "[section]\nkeep-alive = 1\n", "bind = []\n", "bind = [[\"x\"]]\n",
        "keep-alive = 1\nkeep-alive = 2\n", "core = \"nosuch\"\n", "\xff\xfe", "config = \"other.toml\"\n"}) {
    std::string file = dir.write("c.toml", content);
    refusal({"--config", file});
  }
}

TEST(Options, a_file_that_cannot_be_read_is_the_systems_no) {
  test::TempDir dir;
  for (const std::string& path : {dir.path("nosuch.toml"), dir.path("")}) {
    try {
      serve({"--config", path});
      ADD_FAILURE() << path;
    } catch (const SystemError& error) {
      EXPECT_TRUE(mentions(error.what(), path));
      EXPECT_FALSE(mentions(error.what(), "\n"));
    }
  }
}

TEST(Options, actions) {
  using Action = CommandLine::Action;
  EXPECT_EQ(read({"serve"}).action, Action::serve);
  EXPECT_EQ(read({"cores"}).action, Action::list_cores);
  EXPECT_EQ(read({"cores", "--json"}).action, Action::list_cores_as_json);
  EXPECT_EQ(read({"serve", "--check-config"}).action, Action::check_config);
  EXPECT_EQ(read({"serve", "--print-config"}).action, Action::print_config);
  EXPECT_EQ(read({"--version"}).action, Action::help);
  CommandLine help = read({"serve", "--help"});
  EXPECT_EQ(help.action, Action::help);
  for (const char* shown : {"--keep-alive", "[15]", "seconds", "bytes"})
    EXPECT_TRUE(mentions(help.help, shown)) << shown;
  EXPECT_TRUE(mentions([] {
    try {
      read({});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  }(), "corelab serve"));
  EXPECT_THROW(read({"nosuch"}), UsageError);
}

TEST(Options, a_program_of_one_app_has_none_of_those_that_say_something_to_others) {
  test::TempDir dir;
  const std::string help = read({"serve", "--help"}, own_program).help;
  for (const char* name : {"app", "db", "upstream", "app-dir", "virtualenv", "switch-interval", "preload", "gil"}) {
    SCOPED_TRACE(name);
    const std::string flag = std::string("--") + name, variable = variable_of(name);
    EXPECT_TRUE(mentions(refusal({flag, "lab"}, own_program), "not expected"));
    const std::string file = dir.write("c.toml", std::string(name) + " = \"lab\"\n");
    EXPECT_TRUE(mentions(refusal({"-c", file}, own_program), std::string("'") + name + "' is no setting"));
    EXPECT_FALSE(mentions(help, flag + " "));
    Variable set(variable.c_str(), "nonsense");
    EXPECT_NO_THROW(read({"serve"}, own_program)) << "no variable of its own";
  }
  EXPECT_EQ(read({"serve", "--workers", "1"}, own_program).settings.workers, 1u);
}

TEST(Options, a_program_of_one_app_goes_by_its_own_name) {
  EXPECT_TRUE(mentions(refusal({"--nosuch"}, own_program), "(mine serve --help"));
  EXPECT_TRUE(mentions(refusal({"--keep-alive"}, own_program), "(mine serve --help"));
  for (const Words& words : {Words{"--help"}, Words{"serve", "--help"}}) {
    const std::string help = read(words, own_program).help;
    EXPECT_TRUE(mentions(help, "Usage: mine ")) << help;
    EXPECT_FALSE(mentions(help, "corelab")) << help;
    EXPECT_FALSE(mentions(help, "PROGRAM")) << help;
  }
  EXPECT_TRUE(mentions(read({"--version"}, own_program).help, "mine (corelab "));
  EXPECT_TRUE(read({"--version"}).help.starts_with("corelab "));
}

TEST(Options, what_is_printed_can_be_read_again) {
  Settings s = serve({"--core", "prefork", "--bind", "unix:a \"b\"", "--keep-alive", "0.25", "--limit-output",
                      "999", "--log-level", "debug", "--upstream", "127.0.0.1:9"});
  test::TempDir dir;
  std::string file = dir.write("c.toml", to_toml(s));
  Settings again;
  ASSERT_NO_THROW(again = serve({"--config", file})) << to_toml(s);
  EXPECT_EQ(to_toml(again), to_toml(s));
}

TEST(Options, every_core_can_read_the_configuration_it_prints) {
  test::TempDir dir;
  for (const char* core : {"thread-per-connection", "thread-pool", "thread-pool-handoff", "event-loop",
                           "multi-reactor", "prefork", "prefork-evented"}) {
    std::string file = dir.write("c.toml", to_toml(serve({"--core", core})));
    EXPECT_NO_THROW(serve({"--config", file})) << core;
    file = dir.write("own.toml", to_toml(read({"serve", "--core", core}, own_program).settings));
    EXPECT_NO_THROW(read({"serve", "--config", file}, own_program)) << core;
  }
}

TEST(Reload, keeps_what_needs_a_restart_and_names_it) {
  Settings running = serve({"--core", "thread-pool", "--workers", "2"});
  Settings wanted =
      serve({"--core", "thread-pool", "--workers", "3", "--bind", "127.0.0.1:1", "--keep-alive", "1",
             "--limit-request-body", "5", "--log-level", "error", "--access-logfile", "a"});
  EXPECT_EQ(keep_what_needs_a_restart(running, wanted), (Words{"bind", "workers"}));
  EXPECT_EQ(wanted.workers, 2u);
  EXPECT_EQ(wanted.bind, running.bind);
  EXPECT_EQ(wanted.keep_alive, std::chrono::seconds(1));
  EXPECT_EQ(wanted.limits.body, 5u);
  EXPECT_EQ(wanted.log_level, log::Level::error);
  EXPECT_EQ(wanted.access_log, "a");
}

}  // namespace
}  // namespace corelab
