#include "tests/support/cores.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

namespace corelab::test {
namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::cerr << "the list of cores is needed from `" << corelab_binary() << " cores --json`: " << why
            << "\nBuild the program, or name it in CORELAB_BIN.\n";
  std::exit(1);
}

// Asks the program itself instead of knowing names: a flag that means nothing to a core is refused.
bool takes(const std::string& core, const std::string& flag, const std::string& value) {
  return run_corelab({"serve", "--core", core, flag, value, "--check-config"}).code == 0;
}

std::vector<Core> ask() {
  std::vector<Core> list;
  try {
    const RunResult run = run_corelab({"cores", "--json"});
    if (run.code != 0) give_up("it failed: " + run.err);
    for (const auto& row : nlohmann::json::parse(run.out)) {
      Core core;
      core.name = row.at("name");
      core.waiting = row.at("waiting");
      core.unit = row.at("unit");
      core.distribution = row.at("distribution");
      core.takes_workers = takes(core.name, "--workers", "2");
      core.takes_policy = takes(core.name, "--keep-alive-policy", "hold");
      list.push_back(std::move(core));
    }
  } catch (const std::exception& error) {
    give_up(error.what());
  }
  if (list.empty()) give_up("it lists none");
  return list;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Core& core) { return out << core.name; }

const std::vector<Core>& cores() {
  static const std::vector<Core> list = ask();
  return list;
}

std::vector<Core> cores_where(const std::function<bool(const Core&)>& wanted) {
  std::vector<Core> chosen;
  std::copy_if(cores().begin(), cores().end(), std::back_inserter(chosen), wanted);
  return chosen;
}

bool has_core(const std::string& name) {
  return !cores_where([&](const Core& core) { return core.name == name; }).empty();
}

Arguments workers(const Core& core, int count) {
  return core.takes_workers ? Arguments{"--workers", std::to_string(count)} : Arguments{};
}

Arguments holding(const Core& core) {
  return core.takes_policy ? Arguments{"--keep-alive-policy", "hold"} : Arguments{};
}

std::string core_test_name(const ::testing::TestParamInfo<Core>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

ServerProcess CoreTest::serve_with_workers(int count, Arguments arguments, const Surroundings& around) const {
  for (auto& word : workers(core(), count)) arguments.push_back(std::move(word));
  return serve(arguments, around);
}

}  // namespace corelab::test
