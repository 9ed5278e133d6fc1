// A run's result as people and programs read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "benchmarks/load/options.hpp"
#include "benchmarks/load/tally.hpp"

namespace corelab::load {

/// Times in milliseconds, rates in requests a second; README.md says what each key means.
nlohmann::json to_json(const Options& options, const Tally& tally);
/// One line for the NDJSON file.
nlohmann::json to_json(unsigned second, const Second& one);

/// A line while it runs, and some at the end.
std::string progress(const Options& options, unsigned second, const Second& one);
std::string summary(const Options& options, const Tally& tally);

}  // namespace corelab::load
