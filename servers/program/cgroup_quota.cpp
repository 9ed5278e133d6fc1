#include "servers/program/cgroup_quota.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

namespace corelab {

namespace {

namespace fs = std::filesystem;

constexpr double no_quota = std::numeric_limits<double>::infinity();

enum class Version { v1, v2 };

/// A place where a hierarchy of cgroups is mounted that may have quotas.
struct Mount {
  Version version;
  std::string root;  ///< the cgroup that is to be seen there; those around it are not
  fs::path point;
};

bool is_among(std::string_view word, const std::string& list) {
  std::istringstream words(list);
  for (std::string each; std::getline(words, each, ',');) {
    if (each == word) return true;
  }
  return false;
}

// Spaces and backslashes are written as \040 and \134 (proc(5)).
std::string unescaped(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// A line of mountinfo: "36 35 0:29 ROOT POINT options tags... - TYPE source OPTIONS".
std::optional<Mount> read_mount(const std::string& line) {
  std::size_t dash = line.find(" - ");
  if (dash == std::string::npos) return {};
  std::string skipped, root, point, type, options;
  std::istringstream(line) >> skipped >> skipped >> skipped >> root >> point;
  std::istringstream(line.substr(dash + 3)) >> type >> skipped >> options;
  if (type == "cgroup2") return Mount{Version::v2, unescaped(root), unescaped(point)};
  if (type == "cgroup" && is_among("cpu", options)) return Mount{Version::v1, unescaped(root), unescaped(point)};
  return {};
}

// The process's cgroup: "0::PATH" in version 2, "4:cpu,cpuacct:PATH" in version 1.
std::optional<std::string> own_cgroup(const std::string& process, Version version) {
  std::ifstream file(process + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    bool is_it = version == Version::v2 ? line.starts_with("0::") : is_among("cpu", controllers);
    if (is_it) return line.substr(second + 1);
  }
  return {};
}

// The way down from what is mounted to the process's cgroup; nothing if there is none.
std::optional<fs::path> way_down(const std::string& root, const std::string& cgroup) {
  fs::path way = fs::path(cgroup).lexically_relative(root);
  // A cgroup around the namespace ("/.."): its quota counts, but no name leads from there into the namespace.
  if (way.empty()) return ".";
  if (*way.begin() == "..") return {};
  return way;
}

double quota_v2(const fs::path& cgroup) {
  std::ifstream file(cgroup / "cpu.max");  // "150000 100000", or "max 100000"
  double quota = 0, period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : no_quota;
}

double quota_v1(const fs::path& cgroup) {
  double quota = -1, period = 0;
  std::ifstream(cgroup / "cpu.cfs_quota_us") >> quota;
  std::ifstream(cgroup / "cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : no_quota;
}

double least_quota(const Mount& mount, const fs::path& way) {
  auto quota_of = mount.version == Version::v2 ? quota_v2 : quota_v1;
  fs::path cgroup = mount.point;
  double least = quota_of(cgroup);
  for (const fs::path& name : way) {
    cgroup /= name;
    least = std::min(least, quota_of(cgroup));
  }
  return least;
}

}  // namespace

double cgroup_quota(const std::string& process) {
  double least = no_quota;
  std::ifstream mounts(process + "/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::optional<Mount> mount = read_mount(line);
    if (!mount) continue;
    std::optional<std::string> cgroup = own_cgroup(process, mount->version);
    if (!cgroup) continue;
    if (std::optional<fs::path> way = way_down(mount->root, *cgroup)) least = std::min(least, least_quota(*mount, *way));
  }
  return least;
}

}  // namespace corelab
