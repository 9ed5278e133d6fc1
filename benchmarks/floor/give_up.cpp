#include "benchmarks/floor/give_up.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>
#include <system_error>

namespace corelab::floor {

void give_up(std::string_view what, std::string_view next) {
  std::string line = "corelab-floor: " + std::string(what) + ": " + std::generic_category().message(errno);
  if (!next.empty()) line += "; " + std::string(next);
  std::cerr << line + "\n";
  std::_Exit(1);  // other threads are still serving what exit() would destroy
}

}  // namespace corelab::floor
