#include "tests/support/stats.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/client.hpp"

namespace corelab::test {

int open_connections(const std::string& address) {
  const Reply reply = get(address, "/stats", Millis(5'000));
  if (reply.status() != 200) return -1;
  const auto stats = nlohmann::json::parse(reply.body());
  int sum = 0;
  for (const auto& worker : stats.at("workers")) sum += worker.at("open").get<int>();
  return sum;
}

}  // namespace corelab::test
