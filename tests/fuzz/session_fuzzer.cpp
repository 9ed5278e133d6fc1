// libFuzzer's way in.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/session_invariants.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string problem = corelab::test::violated_invariant({reinterpret_cast<const char*>(data), size});
  if (!problem.empty()) {
    std::fputs(problem.c_str(), stderr);
    std::abort();
  }
  return 0;
}
