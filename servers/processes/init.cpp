#include "servers/processes/init.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace corelab {

namespace {

// Until the server has ended; orphans that end meanwhile are waited for.
[[noreturn]] void be_init(pid_t server) {
  sigset_t all;
  sigfillset(&all);
  for (;;) {
    int status = 0;
    pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == server) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (ended > 0) continue;
    siginfo_t about{};
    int number = sigwaitinfo(&all, &about);
    // What a terminal sends, the server has from it, too.
    if (number > 0 && number != SIGCHLD && about.si_code != SI_KERNEL) kill(server, number);
  }
}

}  // namespace

void be_init_if_first() {
  if (getpid() != 1) return;
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  pid_t server = fork();
  if (server < 0) throw std::system_error(errno, std::generic_category(), "cannot start a process beside the first");
  if (server > 0) be_init(server);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace corelab
