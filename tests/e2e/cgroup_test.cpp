// The default of --workers in a cgroup that is inside another with a quota, as systemd's slices and containers nest them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/patience.hpp"
#include "tests/support/server_process.hpp"

namespace corelab::test {
namespace {

namespace fs = std::filesystem;

// Two cgroups, one in the other; the outer one has a quota of half a CPU.
class Nested {
 public:
  // `hierarchy` is where one is mounted, of either version.
  static std::optional<Nested> in(const fs::path& hierarchy) {
    Nested nested(hierarchy / ("corelab-test-" + std::to_string(::getpid())));
    std::error_code error;
    if (!fs::create_directory(nested.outer_, error)) return {};
    const bool has_quota = nested.write("cpu.max", "50000 100000") || nested.write("cpu.cfs_quota_us", "50000");
    if (!has_quota || !fs::create_directory(nested.inner(), error)) return {};
    return nested;
  }
  Nested(Nested&& other) noexcept : outer_(std::move(other.outer_)) { other.outer_.clear(); }
  ~Nested() {
    if (outer_.empty()) return;
    std::error_code error;  // who was in it may not be quite gone
    eventually([&] { return fs::remove(inner(), error) || !fs::exists(inner()); }, Millis(5'000));
    fs::remove(outer_, error);
  }

  fs::path inner() const { return outer_ / "inner"; }

 private:
  explicit Nested(fs::path outer) : outer_(std::move(outer)) {}
  // False: there is no such file here, or it is not for us to write.
  bool write(const std::string& name, const std::string& content) const {
    if (!fs::exists(outer_ / name)) return false;
    std::ofstream file(outer_ / name);
    return static_cast<bool>(file << content << std::flush);
  }

  fs::path outer_;
};

// Nothing: they cannot be made here.
std::optional<Nested> nested_cgroups() {
  for (const char* hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
    if (auto nested = Nested::in(hierarchy)) return nested;
  }
  return {};
}

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "no pipe";
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.append(buffer, n);
  ::pclose(pipe);
  return output;
}

TEST(Cgroup, quota_around_the_processs_own_cgroup_bounds_the_default_of_workers) {
  const std::string print = "exec " + corelab_binary() + " serve --core multi-reactor --print-config";
  if (output_of(print).find("workers = 1\n") != std::string::npos) GTEST_SKIP() << "with one CPU a quota changes nothing";
  const std::optional<Nested> nested = nested_cgroups();
  if (!nested) GTEST_SKIP() << "no cgroup with a quota can be made here: not as this user, or without the cpu controller";
  const std::string inside = output_of("echo $$ > '" + nested->inner().string() + "/cgroup.procs' && " + print);
  EXPECT_NE(inside.find("workers = 1\n"), std::string::npos) << inside;
}

}  // namespace
}  // namespace corelab::test
