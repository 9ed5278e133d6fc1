#include "common/telemetry/time_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace corelab {

std::size_t TimeHistogram::bin_of(std::uint64_t units) {
  if (units < 2 * steps) return static_cast<std::size_t>(units);
  unsigned shift = static_cast<unsigned>(std::bit_width(units)) - 1 - steps_log2;
  return std::min<std::size_t>(shift * steps + (units >> shift), steps * (doublings + 1) - 1);
}

double TimeHistogram::middle_ns(std::size_t bin) {
  if (bin < 2 * steps) return (static_cast<double>(bin) + 0.5) * unit_ns;
  std::size_t shift = bin / steps - 1;
  return (static_cast<double>(bin - shift * steps) + 0.5) * std::ldexp(1.0, static_cast<int>(shift)) *
         unit_ns;
}

void TimeHistogram::add(std::chrono::nanoseconds time) {
  std::int64_t ns = std::max<std::int64_t>(time.count(), 0);
  bins_[bin_of(static_cast<std::uint64_t>(ns / unit_ns))].fetch_add(1, std::memory_order_relaxed);
  std::int64_t most = most_ns_.load(std::memory_order_relaxed);
  while (ns > most && !most_ns_.compare_exchange_weak(most, ns, std::memory_order_relaxed)) {
  }
}

void TimeHistogram::absorb(TimeHistogram& other) {
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    if (other.bins_[bin].load(std::memory_order_relaxed) == 0) continue;  // untouched pages stay so
    bins_[bin].fetch_add(other.bins_[bin].exchange(0), std::memory_order_relaxed);
  }
  most_ns_ = std::max(most_ns_.load(), other.most_ns_.exchange(0));
}

std::uint64_t TimeHistogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& bin : bins_) sum += bin.load(std::memory_order_relaxed);
  return sum;
}

std::chrono::nanoseconds TimeHistogram::quantile(double share) const {
  std::uint64_t all = count(), seen = 0;
  if (all == 0) return {};
  auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    seen += bins_[bin].load(std::memory_order_relaxed);
    if (seen >= std::max<std::uint64_t>(rank, 1)) {
      return std::min(std::chrono::nanoseconds(std::llround(middle_ns(bin))), most());
    }
  }
  return most();
}

}  // namespace corelab
