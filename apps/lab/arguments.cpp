#include "apps/lab/arguments.hpp"

#include <algorithm>
#include <charconv>

namespace corelab {

Argument::Argument(const Request& request, std::string_view name, std::uint64_t most,
                   std::optional<std::uint64_t> absent) {
  std::string_view rest = request.query, found;
  int times = 0;
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    ++times;
    found = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  if (times == 0 && absent) {
    value_ = *absent;
    return;
  }
  auto [end, error] = std::from_chars(found.data(), found.data() + found.size(), value_);
  bool is_number = error == std::errc() && end == found.data() + found.size();
  if (times == 1 && is_number && value_ <= most) return;
  complaint_ = "the argument '" + std::string(name) + "' ";
  if (times == 0) {
    complaint_ += "is missing";
  } else if (times > 1) {
    complaint_ += "is given more than once";
  } else {
    complaint_ += "is not a number from 0 to " + std::to_string(most);
  }
  complaint_ += '\n';
}

}  // namespace corelab
