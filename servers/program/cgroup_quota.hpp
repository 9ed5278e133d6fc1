// How much of the CPUs the cgroups that a process is in let it use.
#pragma once

#include <string>

namespace corelab {

/// CPUs' worth of time, at any moment (1.5: three halves of a CPU); infinity without a quota. It is the least of the quotas of
/// its own cgroup and of all around it that can be seen from here, of either version. `process` is its directory in /proc,
/// whose `cgroup` and `mountinfo` say where those are.
double cgroup_quota(const std::string& process = "/proc/self");

}  // namespace corelab
