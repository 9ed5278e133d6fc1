#include "servers/program/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace corelab {

namespace {

// CPUs that a cgroup may use in a period; infinity if it has no quota. `directory` is the mount point: the cgroup of a
// container is the root of what it sees.
double quota_of_cgroup_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (file >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  return std::numeric_limits<double>::infinity();
}

double quota_of_cgroup_v1(const std::string& directory) {
  double quota = -1, period = 0;
  std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned by_affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
  double quota = std::min(quota_of_cgroup_v2("/sys/fs/cgroup"), quota_of_cgroup_v1("/sys/fs/cgroup/cpu"));
  unsigned by_quota = quota < by_affinity ? static_cast<unsigned>(std::ceil(quota)) : by_affinity;
  return std::max(1u, std::min(by_affinity, by_quota));
}

}  // namespace corelab
