// Applications that cannot be served: one sentence, exit code 1. And where Python looks for them.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

const std::string kFine =
    "def app(environ, start_response):\n"
    "    start_response('200 OK', [])\n"
    "    return [b'fine']\n";

class WsgiRefusal : public WsgiTest {
 protected:
  void write(const std::string& module, const std::string& code) const { dir_.write(module + ".py", code); }

  // What a server that does not come about says; it is to be one line.
  std::string refusal(const Arguments& how, const std::string& app, int code = 1) const {
    Arguments arguments{"serve", "-b", "127.0.0.1:0"};
    for (const Arguments& more : {how, wsgi(app, dir_.path(""))}) arguments.insert(arguments.end(), more.begin(), more.end());
    const RunResult run = run_corelab(arguments, for_python());
    EXPECT_EQ(run.code, code) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "");
    return run.err;
  }
  void expect_refusal(const std::string& app, const std::string& sentence) const {
    SCOPED_TRACE(app);
    const std::vector<Arguments> ways = {{"--core", "event-loop"},
                                         {"--core", "prefork", "--workers", "3"},
                                         {"--core", "prefork", "--workers", "3", "--preload"}};
    for (const Arguments& way : ways) {
      if (!has_core(way[1])) continue;
      const std::string said = refusal(way, app);
      EXPECT_NE(said.find(sentence), std::string::npos) << way.back() << ": " << said;
    }
  }

  const TempDir dir_;
};

TEST_F(WsgiRefusal, names_what_is_missing) {
  write("fine", kFine + "value = 3\n");
  write("imports_what_is_missing", "import nosuch_library\n");
  expect_refusal("nosuch:app", "there is no module 'nosuch' in ");
  expect_refusal("nosuch.sub:app", "the module 'nosuch.sub' cannot be imported: ModuleNotFoundError: No module named 'nosuch'");
  expect_refusal("fine:nosuch", "the module 'fine' has no 'nosuch'");
  expect_refusal("fine:app.nosuch", "the module 'fine' has no 'app.nosuch'");
  expect_refusal("fine:value", "'value' of module 'fine' cannot be called");
  expect_refusal("imports_what_is_missing:app", "cannot be imported: ModuleNotFoundError: No module named 'nosuch_library'");
}

TEST_F(WsgiRefusal, says_what_the_import_failed_with) {
  write("divides", "a = 1\n\nb = a / 0\n");
  write("broken", "def app(:\n");
  write("exits", "import sys\nsys.exit('no settings')\n");
  write("many_lines", "raise ValueError('one\\ntwo')\n");
  expect_refusal("divides:app", "ZeroDivisionError: division by zero (" + dir_.path("divides.py") + ", line 3)");
  expect_refusal("broken:app", "SyntaxError: invalid syntax (broken.py, line 1)");
  expect_refusal("exits:app", "SystemExit: no settings (" + dir_.path("exits.py") + ", line 2)");
  expect_refusal("many_lines:app", "ValueError: one two");
}

TEST_F(WsgiRefusal, of_a_factory_says_what_it_failed_with) {
  write("factories", kFine +
                         "def create_app():\n    return app\n"
                         "def fails():\n    raise KeyError('SECRET_KEY')\n"
                         "def gives_nothing():\n    pass\n");
  expect_refusal("factories:fails()", "'fails()' of module 'factories' failed: KeyError: 'SECRET_KEY'");
  expect_refusal("factories:gives_nothing()", "'gives_nothing' of module 'factories' cannot be called");
  const auto server = serve(cores().front().name, "factories:create_app()", {}, dir_.path(""));
  EXPECT_EQ(get(server.address(), "/").body(), "fine");
}

TEST_F(WsgiRefusal, is_none_of_a_factory_with_literal_arguments) {
  write("configured",
        "def create_app(config, *, debug=True, tags=()):\n"
        "    def app(environ, start_response):\n"
        "        start_response('200 OK', [])\n"
        "        return [repr((config, debug, tags)).encode()]\n"
        "    return app\n");
  for (const auto& [call, seen] : {std::pair("create_app('config.Prod')", "('config.Prod', True, ())"),
                                   std::pair("create_app(\"a:b\", debug=False, tags=['x', 1])", "('a:b', False, ['x', 1])")}) {
    const auto server = serve(cores().front().name, std::string("configured:") + call, {}, dir_.path(""));
    EXPECT_EQ(get(server.address(), "/").body(), seen);
  }
  expect_refusal("configured:create_app()", "'create_app()' of module 'configured' failed: TypeError: create_app() missing 1");
  expect_refusal("configured:create_app(nosuch)", "failed: ValueError: malformed node or string");
  expect_refusal("configured:create_app('x'", "failed: SyntaxError: '(' was never closed");
}

TEST_F(WsgiRefusal, of_a_factory_that_is_not_called_says_what_was_meant) {
  write("factories", kFine + "def create_app(config=None):\n    return app\ndef needs(a, b, c):\n    pass\n");
  expect_refusal("factories:create_app",
                 "'create_app' of module 'factories' does not take (environ, start_response): it is no WSGI application; did "
                 "you mean create_app()?");
  expect_refusal("factories:needs", "'needs' of module 'factories' does not take (environ, start_response)");
}

TEST_F(WsgiRefusal, of_an_active_environment_names_the_variable) {
  write("fine", kFine);
  dir_.write("pyvenv.cfg", "home = /usr/bin\n");
  for (const auto& [environment, reason] : {std::pair(dir_.path("gone"), "it has no pyvenv.cfg"),
                                            std::pair(dir_.path(""), "is not of Python 3.")}) {
    Surroundings active = for_python();
    active.environment.emplace_back("VIRTUAL_ENV", environment);
    Arguments words{"serve", "--core", cores().front().name, "-b", "127.0.0.1:0"};
    for (auto& word : wsgi("fine:app", dir_.path(""))) words.push_back(word);
    const RunResult run = run_corelab(words, active);
    EXPECT_EQ(run.code, 1);
    EXPECT_NE(run.err.find("the variable VIRTUAL_ENV"), std::string::npos) << run.err;
    EXPECT_NE(run.err.find(reason), std::string::npos) << run.err;
  }
}

TEST_F(WsgiRefusal, of_a_directory_or_an_environment_that_is_none) {
  write("fine", kFine);
  const std::string nosuch = dir_.path("nosuch");
  const auto refused = [&](const std::string& option, const std::string& value) {
    const RunResult run = run_corelab({"serve", "--core", cores().front().name, "-b", "127.0.0.1:0", "--app", "wsgi:fine:app",
                                       "--app-dir", option == "--app-dir" ? value : dir_.path(""), option, value},
                                      for_python());
    EXPECT_EQ(run.code, 1) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    return run.err;
  };
  EXPECT_NE(refused("--app-dir", nosuch).find("--app-dir: there is no directory " + nosuch), std::string::npos);
  EXPECT_NE(refused("--virtualenv", nosuch).find("is no virtual environment: it has no pyvenv.cfg"), std::string::npos);
  dir_.write("pyvenv.cfg", "home = /usr/bin\n");
  EXPECT_NE(refused("--virtualenv", dir_.path("")).find("is not of Python 3."), std::string::npos);
}

TEST_F(WsgiRefusal, of_an_interpreter_for_each_thread_names_the_python_that_has_it) {
  const Arguments arguments = {"serve", "--core", "thread-pool", "-b",    "127.0.0.1:0",
                               "--app", "wsgi:nosuch:app",       "--gil", "own"};
  Arguments checking = arguments;
  checking.emplace_back("--check-config");
  for (const RunResult& run : {run_corelab(arguments), run_corelab(checking)}) {
    if (run.err.find("no module 'nosuch'") != std::string::npos) GTEST_SKIP() << "this Python has them";
    EXPECT_EQ(run.code, 2);
    EXPECT_NE(run.err.find("--gil own takes Python 3.12 or newer"), std::string::npos) << run.err;
  }
}

// What `python -m venv` makes, by hand: its module is not always installed.
TEST_F(WsgiRefusal, is_none_where_a_virtual_environment_has_the_module) {
  write("versions",
        "import sys\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [('%s %d.%d' % (sys.base_prefix, *sys.version_info[:2])).encode()]\n");
  std::string prefix, version;
  {
    const auto server = serve(cores().front().name, "versions:app", {}, dir_.path(""));
    std::istringstream(get(server.address(), "/").body()) >> prefix >> version;
  }
  const std::filesystem::path root = dir_.path("environment");
  const std::filesystem::path packages = root / "lib" / ("python" + version) / "site-packages";
  std::filesystem::create_directories(packages);
  std::filesystem::create_directory(root / "bin");
  std::filesystem::create_symlink(std::filesystem::path(prefix) / "bin" / ("python" + version), root / "bin" / "python");
  dir_.write("environment/pyvenv.cfg", "home = " + prefix + "/bin\n");
  dir_.write("environment/lib/python" + version + "/site-packages/only_there.py", "name = b'only there'\n");
  write("uses_it",
        "import only_there\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [only_there.name]\n");
  EXPECT_NE(refusal({"--core", cores().front().name}, "uses_it:app").find("No module named 'only_there'"), std::string::npos);
  const auto server = serve(cores().front().name, "uses_it:app", {"--virtualenv", root.string()}, dir_.path(""));
  EXPECT_EQ(get(server.address(), "/").body(), "only there");
  Surroundings active = for_python();
  active.environment.emplace_back("VIRTUAL_ENV", root.string());
  Arguments arguments = wsgi("uses_it:app", dir_.path(""));
  const ServerProcess other(cores().front().name, arguments, active);
  EXPECT_EQ(get(other.address(), "/").body(), "only there");
}

}  // namespace
}  // namespace corelab::test
