// corelab-load: the command line, the files it writes, and nothing of the load.

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "benchmarks/load/gates.hpp"
#include "benchmarks/load/generator.hpp"
#include "benchmarks/load/options.hpp"
#include "benchmarks/load/result.hpp"

namespace {

namespace load = corelab::load;

load::Generator* running = nullptr;

constexpr rlim_t spare_descriptors = 32;
constexpr int exit_invalid = 3;
const std::string standard_output = "standard output";

void take_descriptors_for(rlim_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (connections + spare_descriptors > limit.rlim_cur) {
    throw std::runtime_error(std::to_string(connections) + " connections are more than the " +
                             std::to_string(limit.rlim_cur) +
                             " descriptors that this process may open: ask for fewer, or raise ulimit -n");
  }
}

std::ofstream open_file(const std::string& path) {
  std::ofstream file(path);
  if (!file) throw std::runtime_error("cannot write to " + path);
  return file;
}

void expect_written(std::ostream& file, const std::string& path) {
  if (!file.flush()) throw std::runtime_error("cannot write to " + path);
}

/// Returns the exit code. Whatever can be written is, before it is said what could not.
int run(const load::Options& options) {
  take_descriptors_for(rlim_t{options.connections} + options.idle);
  std::ofstream lines, file;
  if (!options.ndjson.empty()) lines = open_file(options.ndjson);
  if (!options.json.empty() && options.json != "-") file = open_file(options.json);
  const bool shows_progress = !options.quiet && isatty(STDERR_FILENO) == 1;
  load::Generator generator(options);
  running = &generator;
  std::signal(SIGINT, [](int) { running->stop(); });
  std::signal(SIGTERM, [](int) { running->stop(); });
  const load::Tally tally = generator.run([&](unsigned second, const load::Second& one) {
    if (lines.is_open()) lines << load::to_json(second, one).dump() << std::endl;
    if (shows_progress) std::cerr << "\r\033[K" << load::progress(options, second, one) << std::flush;
  });
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  if (shows_progress) std::cerr << "\r\033[K";
  if (!options.quiet) std::cerr << load::summary(options, tally);
  if (!options.json.empty()) {
    std::ostream& result = options.json == "-" ? std::cout : file;
    result << load::to_json(options, tally).dump(1) << "\n";
    expect_written(result, options.json == "-" ? standard_output : options.json);
  }
  if (lines.is_open()) expect_written(lines, options.ndjson);
  return load::reasons_to_doubt(options, tally).empty() ? 0 : exit_invalid;
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<load::Options> options;
  try {
    options = load::parse_command_line(argc, argv);
  } catch (const load::UsageError& error) {
    std::cerr << "corelab-load: " << error.what() << " (corelab-load --help lists the flags)\n";
    return 2;
  }
  try {
    if (!options) {  // help or version
      expect_written(std::cout, standard_output);
      return 0;
    }
    return run(*options);
  } catch (const boost::system::system_error& error) {
    std::cerr << "corelab-load: cannot connect to " << options->target.authority() << ": " << error.code().message() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "corelab-load: " << error.what() << "\n";
  }
  return 1;
}
