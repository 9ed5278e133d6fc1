#pragma once
// The cores of the program under test, as `corelab cores --json` lists them: a core that is not built is not
// tested, and a new one is tested by existing.

#include <gtest/gtest.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "tests/support/server_process.hpp"

namespace corelab::test {

struct Core {
  std::string name;
  std::string waiting;  // blocking, evented or a mixture
  std::string unit;     // thread, process, ...
  std::string distribution;
  bool takes_workers = false;  // whether --workers means something to it
  bool takes_policy = false;   // the same of --keep-alive-policy

  bool evented() const { return waiting == "evented"; }
  bool serves_one_each() const { return has_processes() && !evented(); }  // each process, one connection
  bool has_processes() const { return unit.find("process") != std::string::npos; }
};
std::ostream& operator<<(std::ostream& out, const Core& core);

// Every core; asked once. Ends the test program with a sentence when the program under test cannot tell.
const std::vector<Core>& cores();
// Those that `wanted` holds for.
std::vector<Core> cores_where(const std::function<bool(const Core&)>& wanted);
bool has_core(const std::string& name);

// `--workers count` for a core that takes them, else nothing.
Arguments workers(const Core& core, int count);
// `--keep-alive-policy hold` for a core that takes it, else nothing: for tests of what an answer says, which under
// `yield` may also say `Connection: close` because somebody else happened to wait.
Arguments holding(const Core& core);

// For INSTANTIATE_TEST_SUITE_P: thread-pool-handoff reads thread_pool_handoff.
std::string core_test_name(const ::testing::TestParamInfo<Core>& info);

// The base of a test that runs once a core.
class CoreTest : public ::testing::TestWithParam<Core> {
 protected:
  const Core& core() const { return GetParam(); }
  ServerProcess serve(const Arguments& arguments = {}, const Surroundings& around = {}) const {
    return ServerProcess(core().name, arguments, around);
  }
  // With `count` workers, where the core takes them.
  ServerProcess serve_with_workers(int count, Arguments arguments = {},
                                   const Surroundings& around = {}) const;
};

}  // namespace corelab::test
