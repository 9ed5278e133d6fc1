// What the quotas of a tree of cgroups come to, for a process somewhere in it.

#include "servers/program/cgroup_quota.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace corelab {
namespace {

constexpr double none = std::numeric_limits<double>::infinity();

// A process directory of /proc, and hierarchies of cgroups, in a directory of their own.
class CgroupQuota : public ::testing::Test {
 protected:
  // The process is in these cgroups: lines of /proc/self/cgroup.
  void is_in(const std::string& lines) { dir_.write("cgroup", lines); }

  // `root` is mounted at `point`; `type_and_options` are "cgroup2 - rw", say.
  void mount(const std::string& root, const std::string& point, const std::string& type, const std::string& options) {
    mounts_ += "32 31 0:29 " + root + " " + dir_.path(point) + " rw,relatime shared:9 - " + type + " none " + options + "\n";
    dir_.write("mountinfo", "22 1 254:1 / / rw - ext4 /dev/root rw,cpu\n" + mounts_);
    std::filesystem::create_directories(dir_.path(point));
  }

  void file(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(dir_.path(path)).parent_path());
    std::ofstream(dir_.path(path)) << content << '\n';
  }
  void max(const std::string& cgroup, const std::string& content) { file(cgroup + "/cpu.max", content); }
  void cfs(const std::string& cgroup, const std::string& quota) {
    file(cgroup + "/cpu.cfs_quota_us", quota);
    file(cgroup + "/cpu.cfs_period_us", "100000");
  }

  double quota() const { return cgroup_quota(dir_.path("")); }

 private:
  const test::TempDir dir_;
  std::string mounts_;
};

TEST_F(CgroupQuota, is_none_where_nothing_says_so) {
  EXPECT_EQ(quota(), none) << "not even /proc";
  is_in("0::/a\n");
  EXPECT_EQ(quota(), none) << "nothing is mounted";
  mount("/", "v2", "cgroup2", "rw");
  EXPECT_EQ(quota(), none);
  max("v2/a", "max 100000");
  EXPECT_EQ(quota(), none);
  max("v2/a", "nonsense");
  EXPECT_EQ(quota(), none);
}

TEST_F(CgroupQuota, of_a_container_is_that_of_the_root_it_sees) {
  is_in("0::/\n");
  mount("/", "v2", "cgroup2", "rw,nsdelegate");
  max("v2", "150000 100000");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CgroupQuota, is_the_least_on_the_way_to_the_processs_own) {
  is_in("0::/a/b/c\n");
  mount("/", "v2", "cgroup2", "rw");
  max("v2/a/b/c", "400000 100000");
  EXPECT_EQ(quota(), 4);
  max("v2/a/b", "max 100000");
  max("v2/a", "100000 50000");
  EXPECT_EQ(quota(), 2);
  max("v2", "300000 100000");
  EXPECT_EQ(quota(), 2);
  max("v2/a/b/c", "50000 100000");
  EXPECT_EQ(quota(), 0.5);
  max("v2/a/other", "1000 100000");
  max("v2/a/b/c/below", "1000 100000");
  EXPECT_EQ(quota(), 0.5) << "those are of others";
}

TEST_F(CgroupQuota, of_version_1_is_that_of_the_hierarchy_with_the_cpu_controller) {
  is_in("12:cpuset:/other\n4:cpu,cpuacct:/a/b\n1:name=systemd:/other\n");
  mount("/", "cpuset", "cgroup", "rw,cpuset");
  mount("/", "cpu,cpuacct", "cgroup", "rw,cpu,cpuacct");
  cfs("cpuset/a/b", "1000");
  cfs("cpu,cpuacct/other", "1000");
  cfs("cpu,cpuacct", "-1");
  cfs("cpu,cpuacct/a", "200000");
  cfs("cpu,cpuacct/a/b", "-1");
  EXPECT_EQ(quota(), 2);
  cfs("cpu,cpuacct/a/b", "100000");
  EXPECT_EQ(quota(), 1);
}

TEST_F(CgroupQuota, is_the_least_of_both_versions_where_both_are_mounted) {
  is_in("4:cpu:/a\n0::/b\n");
  mount("/", "cpu", "cgroup", "rw,cpu");
  mount("/", "unified", "cgroup2", "rw");
  cfs("cpu/a", "300000");
  EXPECT_EQ(quota(), 3);
  max("unified/b", "200000 100000");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CgroupQuota, is_found_where_only_a_part_of_the_tree_is_mounted) {
  is_in("0::/machine/one\\x2dtwo:three/app\n");
  mount("/machine/one\\134x2dtwo:three", "v2", "cgroup2", "rw");
  max("v2", "300000 100000");
  EXPECT_EQ(quota(), 3);
  max("v2/app", "200000 100000");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CgroupQuota, of_what_is_mounted_for_others_is_not_ours) {
  is_in("0::/a/b\n");
  mount("/a/bc", "others", "cgroup2", "rw");
  max("others", "1000 100000");
  EXPECT_EQ(quota(), none);
  is_in("0::/../other\n");
  mount("/", "v2", "cgroup2", "rw");
  max("v2", "1000 100000");
  EXPECT_EQ(quota(), none) << "the process is outside what it sees";
}

TEST_F(CgroupQuota, around_a_namespace_counts_though_the_way_into_it_has_no_name) {
  is_in("0::/a\n");
  mount("/../..", "v2", "cgroup2", "rw");
  max("v2", "300000 100000");
  max("v2/a", "1000 100000");
  EXPECT_EQ(quota(), 3);
}

}  // namespace
}  // namespace corelab
