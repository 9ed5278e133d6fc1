#include "benchmarks/load/latencies.hpp"

#include <algorithm>
#include <cmath>

namespace corelab::load {

namespace {
constexpr double first_ms = 1e-3, last_ms = 1e5;
// ln(1e8) / ln(1.01), rounded up: no bin is wider than 1 %.
constexpr unsigned bin_count = 1852;
}  // namespace

Latencies::Axis Latencies::axis() { return {bin_count, first_ms, last_ms}; }

std::size_t Latencies::bins() { return bin_count; }
double Latencies::upper_edge_ms(std::size_t bin) {
  static const Axis edges = axis();
  return edges.bin(static_cast<int>(bin)).upper();
}
std::uint64_t Latencies::in_bin(std::size_t bin) const { return counts_.at(static_cast<int>(bin)); }

void Latencies::add(Ns time) {
  double ms = std::max(milliseconds(time), 0.0);
  counts_(std::clamp(ms, first_ms, last_ms * (1 - 1e-9)));
  min_ms_ = count_ == 0 ? ms : std::min(min_ms_, ms);
  max_ms_ = std::max(max_ms_, ms);
  sum_ms_ += ms;
  ++count_;
}

void Latencies::add(const Latencies& others) {
  if (others.count_ == 0) return;
  counts_ += others.counts_;
  min_ms_ = count_ == 0 ? others.min_ms_ : std::min(min_ms_, others.min_ms_);
  max_ms_ = std::max(max_ms_, others.max_ms_);
  sum_ms_ += others.sum_ms_;
  count_ += others.count_;
}

void Latencies::clear() {
  counts_.reset();
  count_ = 0;
  sum_ms_ = min_ms_ = max_ms_ = 0;
}

double Latencies::quantile_ms(double q) const {
  if (count_ == 0) return 0;
  double rank = std::max(std::ceil(q * static_cast<double>(count_)), 1.0);
  double below = 0;
  for (const auto& bin : boost::histogram::indexed(counts_)) {
    double here = static_cast<double>(*bin);
    if (here > 0 && below + here >= rank) {
      double share = (rank - below) / here;
      double edge = bin.bin().lower() + share * (bin.bin().upper() - bin.bin().lower());
      return std::clamp(edge, min_ms_, max_ms_);
    }
    below += here;
  }
  return max_ms_;
}

}  // namespace corelab::load
