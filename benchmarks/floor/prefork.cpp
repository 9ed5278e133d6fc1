#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "benchmarks/floor/connection.hpp"
#include "benchmarks/floor/give_up.hpp"
#include "benchmarks/floor/models.hpp"

namespace corelab::floor {
namespace {

[[noreturn]] void serve(const Listener& listener, const Canned& canned) {
  char buffer[chunk_bytes];
  while (true) {
    Connection connection(listener.accept());
    while (connection.step(canned, buffer) != Wants::close) {
    }
  }
}

}  // namespace

void run_prefork(const Listener& listener, const Canned& canned, unsigned processes,
                 const std::function<void()>& when_started) {
  for (unsigned i = 0; i < processes; ++i) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) give_up("cannot start a process");
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    serve(listener, canned);
  }
  when_started();
  while (true) pause();
}

}  // namespace corelab::floor
