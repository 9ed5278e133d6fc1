// What is sent: the classes of requests, their shares, and their bytes, made once.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/load/options.hpp"

namespace corelab::load {

/// One thread.
class RequestMix {
 public:
  RequestMix(const Options& options, std::uint64_t seed);

  std::size_t classes() const { return bytes_.size(); }
  /// The class of the next request, by the shares; the sequence depends on the seed alone.
  std::size_t draw();
  const std::string& bytes(std::size_t index) const { return bytes_[index]; }

 private:
  std::mt19937_64 engine_;
  std::discrete_distribution<std::size_t> pick_;
  std::vector<std::string> bytes_;
};

}  // namespace corelab::load
