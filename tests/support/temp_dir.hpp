#pragma once
// A directory of a test's own, removed with everything in it.

#include <string>
#include <string_view>

namespace corelab::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  // The path of `name` inside it.
  std::string path(std::string_view name) const;
  // Writes a file of that name, replacing it, and returns its path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::string root_;
};

// The content of a file; empty when there is none.
std::string read_file(const std::string& path);

}  // namespace corelab::test
