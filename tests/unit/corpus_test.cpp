// The fuzzer's corpus, replayed: every input it was given or once failed on.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "tests/fuzz/session_invariants.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

TEST(FuzzCorpus, holds_all_invariants) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(CORELAB_FUZZ_CORPUS))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 20u);
  for (const auto& file : files) {
    std::string input = read_file(file);
    ASSERT_FALSE(input.empty());
    // Its first byte chooses how it is cut: here, every way.
    std::string problem;
    for (int first = 0; first < 256 && problem.empty(); ++first) {
      input[0] = static_cast<char>(first);
      problem = violated_invariant(input);
    }
    EXPECT_TRUE(problem.empty()) << file.filename() << ": " << problem;
  }
}

}  // namespace
}  // namespace corelab::test
