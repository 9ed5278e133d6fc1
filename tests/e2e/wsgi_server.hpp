#pragma once
// A server of a Python application: one of those in wsgi_app, or one that a test writes.

#include <string>
#include <vector>

#include "tests/support/cores.hpp"
#include "tests/support/server_process.hpp"

namespace corelab::test {

// Arguments of `--app wsgi:APP` and `--app-dir`, wsgi_app if it is empty.
Arguments wsgi(const std::string& app, const std::string& directory = "");
// What Python is not to do in a test: leave compiled files beside the modules.
Surroundings for_python();
// False if the program under test was built without Python.
bool has_python();
// Whole lines of `text` that hold `part`.
int lines_with(const std::string& text, const std::string& part);

// Sends TERM while lives:app sleeps over an answer: that one comes whole, and the server ends as if nothing had been.
void expect_term_to_wait_for_a_nap(ServerProcess& server);

// How a core runs an application that blocks: in its own threads, or, if its are loops, on helper threads.
struct Manner {
  Core core;
  bool offloads = false;
};
std::ostream& operator<<(std::ostream& out, const Manner& manner);
std::string manner_name(const ::testing::TestParamInfo<Manner>& info);
std::vector<Manner> manners();

// The base of WSGI tests: skipped without Python.
class WsgiTest : public ::testing::Test {
 protected:
  void SetUp() override;
  static ServerProcess serve(const std::string& core, const std::string& app, Arguments more = {},
                             const std::string& directory = "");
};

// The same, once for each manner.
class WsgiMannerTest : public ::testing::TestWithParam<Manner> {
 protected:
  void SetUp() override;
  const Core& core() const { return GetParam().core; }
  // With `count` workers, where the core takes them; the app is one of those in wsgi_app, or in `directory`.
  ServerProcess serve(const std::string& app, int count, Arguments more = {}, const Surroundings& around = for_python(),
                      const std::string& directory = "") const;
};

}  // namespace corelab::test
