#include "benchmarks/load/request_mix.hpp"

namespace corelab::load {

RequestMix::RequestMix(const Options& options, std::uint64_t seed) : engine_(seed) {
  std::vector<double> weights;
  for (const RequestClass& one : options.classes) {
    weights.push_back(one.weight);
    std::string request = (options.body > 0 ? "POST " : "GET ") + one.path + " HTTP/1.1\r\nHost: " +
                          options.target.authority() + "\r\n";
    if (options.connection_per_request) request += "Connection: close\r\n";
    if (options.body > 0) request += "Content-Length: " + std::to_string(options.body) + "\r\n";
    bytes_.push_back(request + "\r\n" + std::string(options.body, 'x'));
  }
  pick_ = std::discrete_distribution<std::size_t>(weights.begin(), weights.end());
}

std::size_t RequestMix::draw() { return bytes_.size() == 1 ? 0 : pick_(engine_); }

}  // namespace corelab::load
