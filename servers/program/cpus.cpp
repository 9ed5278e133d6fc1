#include "servers/program/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>

#include "servers/program/cgroup_quota.hpp"

namespace corelab {

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned by_affinity = sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<unsigned>(CPU_COUNT(&set)) : 1;
  double quota = cgroup_quota();
  unsigned by_quota = quota < by_affinity ? static_cast<unsigned>(std::ceil(quota)) : by_affinity;
  return std::max(1u, std::min(by_affinity, by_quota));
}

}  // namespace corelab
