#include "common/net/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <utility>

namespace corelab::descriptor_limit {

namespace {

rlimit at_start{};
std::atomic<int> raise_at{INT_MAX};
std::atomic<bool> is_raised{false};
std::function<void()> what_else;

void set_soft(rlim_t soft) {
  rlimit limit{soft, at_start.rlim_max};
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::uint64_t remember() {
  getrlimit(RLIMIT_NOFILE, &at_start);
  if (at_start.rlim_cur < at_start.rlim_max) {
    raise_at = static_cast<int>(std::min<rlim_t>(at_start.rlim_cur / 2, INT_MAX));
  }
  return at_start.rlim_max;
}

void saw(int fd) {
  if (fd < raise_at.load(std::memory_order_relaxed) || is_raised.exchange(true)) return;
  raise_at = INT_MAX;
  set_soft(at_start.rlim_max);
  if (what_else) what_else();
}

void when_raised(std::function<void()> what) { what_else = std::move(what); }

void restore() {
  if (is_raised) set_soft(at_start.rlim_cur);
}

}  // namespace corelab::descriptor_limit
