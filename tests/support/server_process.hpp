#pragma once
// The real `corelab` program as a child process. Its binary is $CORELAB_BIN, else the one of this build.

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/patience.hpp"

namespace corelab::test {

using Arguments = std::vector<std::string>;

struct Surroundings {
  std::vector<std::pair<std::string, std::string>>
      environment;                             // added; the caller's own CORELAB_* are taken out
  std::vector<std::pair<int, rlim_t>> limits;  // soft and hard, e.g. {RLIMIT_NOFILE, 64}
  std::optional<uid_t> user;                   // to run as; only root may ask for another
  std::vector<std::pair<int, rlim_t>> soft_limits = {};  // the hard ones stay
  std::string directory = {};                  // to run in, if not the caller's
  std::vector<int> closed = {};                // descriptors that it begins without
};

// How a program that was run to its end came out. A death by signal N reads as code 128 + N.
struct RunResult {
  std::optional<int> code;  // empty: still running when the time was up, and then killed
  std::string out;
  std::string err;
};

// Runs `corelab arguments...` to its end.
RunResult run_corelab(const Arguments& arguments, const Surroundings& around = {},
                      Millis within = Millis(10'000));

// The path of the program under test.
std::string corelab_binary();

namespace detail {
class Process;
}

// A running `corelab serve`, in a process group of its own, killed with everything it forked when this object
// ends or the test dies. Used from one thread; make it on the main thread (the kernel ties its life to the
// starting thread).
class ServerProcess {
 public:
  // Starts `corelab serve --core CORE -b 127.0.0.1:0 arguments...` (without that -b when `arguments` bind; with
  // `arguments` alone when `core` is empty, for what a file is to say) and waits until it can be connected to.
  // Throws std::runtime_error with its standard error when that does not happen.
  explicit ServerProcess(const std::string& core, const Arguments& arguments = {},
                         const Surroundings& around = {});
  // Starts `corelab arguments...` and waits for nothing: it has no addresses.
  static ServerProcess starting(const Arguments& arguments, const Surroundings& around = {});
  ~ServerProcess();
  ServerProcess(ServerProcess&&) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;

  pid_t pid() const;
  // Where it listens, as it printed it; the first one of several.
  const std::string& address() const { return addresses_.front(); }
  const std::vector<std::string>& addresses() const { return addresses_; }
  // The whole line that announced it.
  const std::string& announcement() const { return announcement_; }
  // What it wrote on standard error so far.
  std::string errors() const;
  // The same of standard output.
  std::string output() const;
  // True once standard error holds `text`.
  bool says(const std::string& text, Millis within) const;

  void signal(int number) const;
  // The exit code (128 + N for signal N), or empty when it still runs after `within`.
  std::optional<int> wait_exit(Millis within);

 private:
  ServerProcess() = default;
  std::unique_ptr<detail::Process> process_;
  std::vector<std::string> addresses_;
  std::string announcement_;
};

}  // namespace corelab::test
