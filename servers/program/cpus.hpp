// How many CPUs there are for us, which is seldom how many the machine has.
#pragma once

namespace corelab {

/// The CPUs this process may use: its affinity, and the least quota of the cgroups it is in (rounded up); at least 1.
unsigned usable_cpus();

}  // namespace corelab
