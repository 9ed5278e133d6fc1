// corelab-floor: the command line, and nothing of the models.

#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "benchmarks/floor/canned.hpp"
#include "benchmarks/floor/listener.hpp"
#include "benchmarks/floor/models.hpp"

namespace {

namespace floor = corelab::floor;

struct Options {
  std::string model;
  std::string bind = "127.0.0.1:8000";
  std::optional<unsigned> threads;
  std::optional<unsigned> processes;
  int backlog = 2048;
  bool close = false;
};

constexpr unsigned default_threads = 4;
constexpr unsigned default_processes = 64;

int refuse(const std::string& sentence) {
  std::cerr << "corelab-floor: " + sentence + " (corelab-floor --help lists the flags)\n";
  return 2;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A canned responder has nothing to drain. Ending in the handler keeps --model epoll a process of one thread:
// a second one, to wait for signals, would make every descriptor look-up of the kernel dearer.
void end_on_signals() {
  const auto end = [](int) { _exit(0); };
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Canned responders: what the kernel charges for a connection model before any HTTP. Answers every "
      "request\n"
      "without a body with the same prebuilt response, the one of a corelab core to /plaintext.",
      "corelab-floor"};
  app.set_version_flag("--version", "corelab-floor " CORELAB_VERSION);
  app.add_option(
         "--model", options.model,
         "blocking: a thread per connection; epoll: one thread, one loop; handoff: one loop that hands ready "
         "connections to pool threads; prefork: processes that share the listener, a connection each at a time")
      ->required()
      ->type_name("MODEL")
      ->check(CLI::IsMember({"blocking", "epoll", "handoff", "prefork"}));
  app.add_option("-b,--bind", options.bind, "numeric address to listen on; port 0 takes a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--threads", options.threads,
                 "pool threads of --model handoff [" + std::to_string(default_threads) + "]")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--processes", options.processes,
                 "processes of --model prefork [" + std::to_string(default_processes) + "]")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  app.add_option("--backlog", options.backlog,
                 "connections the accept queue holds (net.core.somaxconn caps it)")
      ->type_name("N")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->capture_default_str();
  app.add_flag(
      "--close", options.close,
      "answer one request of a connection with `Connection: close`, then close it: the floor of loads that "
      "connect for each request");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return refuse(error.what());
  }
  if (options.threads && options.model != "handoff") {
    return refuse(
        "--threads is for --model handoff: blocking has a thread for each connection, epoll has one");
  }
  if (options.processes && options.model != "prefork") return refuse("--processes is for --model prefork");
  floor::Address address;
  try {
    address = floor::parse_address(options.bind);
  } catch (const std::invalid_argument& error) {
    return refuse(error.what());
  }

  raise_descriptor_limit();
  end_on_signals();
  const floor::Canned canned(options.close);
  const floor::Listener listener(address, options.backlog, options.model == "epoll" || options.model == "handoff");
  const auto announce = [&] {
    std::cerr << "corelab-floor: listening on " + listener.address() + " model=" + options.model +
                     " pid=" + std::to_string(getpid()) + "\n";
  };
  if (options.model == "prefork") {
    // Announced with its processes, so that whoever accounts for them finds them.
    floor::run_prefork(listener, canned, options.processes.value_or(default_processes), announce);
  }
  announce();
  if (options.model == "blocking") floor::run_blocking(listener, canned);
  if (options.model == "epoll") floor::run_epoll(listener, canned);
  floor::run_handoff(listener, canned, options.threads.value_or(default_threads));
}
