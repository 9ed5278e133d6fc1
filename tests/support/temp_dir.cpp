#include "tests/support/temp_dir.hpp"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace corelab::test {

TempDir::TempDir() {
  root_ = (std::filesystem::temp_directory_path() / "corelab-test-XXXXXX").string();
  if (!::mkdtemp(root_.data())) throw std::system_error(errno, std::generic_category(), "make a directory");
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TempDir::path(std::string_view name) const { return root_ + "/" + std::string(name); }

std::string TempDir::write(std::string_view name, std::string_view content) const {
  std::ofstream(path(name), std::ios::trunc) << content;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace corelab::test
