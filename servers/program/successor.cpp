#include "servers/program/successor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "common/net/descriptor_limit.hpp"
#include "common/net/handed_sockets.hpp"
#include "common/net/listener_set.hpp"
#include "common/telemetry/log.hpp"
#include "servers/program/signals.hpp"

namespace corelab {

namespace {

constexpr int first_handed = 3;  // sd_listen_fds(3)
constexpr std::string_view pid_variable = "LISTEN_PID=";
constexpr std::size_t digits = 20;

// As the kernel keeps them (proc(5)): an application may have changed its copies.
std::vector<std::string> words_of(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
  return words;
}

/// All that is needed between fork and exec, made before: nothing may be allocated there (fork(2), threads).
class Launch {
 public:
  Launch(const ListenerSet& listeners, const std::string& directory)
      : directory_(directory), arguments_(words_of("/proc/self/cmdline")), sockets_(listeners.descriptors()) {
    for (std::string& word : words_of("/proc/self/environ")) {
      if (!word.starts_with("LISTEN_") && !word.starts_with(predecessor_variable)) environment_.push_back(std::move(word));
    }
    environment_.push_back("LISTEN_FDS=" + std::to_string(sockets_.size()));
    environment_.push_back(std::string(predecessor_variable) + "=" + std::to_string(getpid()));
    environment_.push_back(std::string(pid_variable) + std::string(digits, '\0'));
    for (std::string& word : arguments_) argv_.push_back(word.data());
    for (std::string& word : environment_) envp_.push_back(word.data());
    argv_.push_back(nullptr);
    envp_.push_back(nullptr);
  }

  /// In the child.
  [[noreturn]] void exec() {
    char* pid = environment_.back().data() + pid_variable.size();
    *std::to_chars(pid, pid + digits, getpid()).ptr = '\0';
    // Out of the way first: one may have another's number.
    int above = first_handed + static_cast<int>(sockets_.size());
    for (int& fd : sockets_) fd = fcntl(fd, F_DUPFD_CLOEXEC, above);
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      if (dup2(sockets_[i], first_handed + static_cast<int>(i)) < 0) _exit(126);
    }
    descriptor_limit::restore();  // (not before: their numbers may be above it)
    if (chdir(directory_.c_str()) == 0 && argv_.front() != nullptr) execvpe(argv_.front(), argv_.data(), envp_.data());
    _exit(127);
  }

 private:
  const std::string directory_;
  std::vector<std::string> arguments_, environment_;
  std::vector<int> sockets_;
  std::vector<char*> argv_, envp_;
};

}  // namespace

void Successor::start(const ListenerSet& listeners) {
  if (is_alive()) {
    log::warning("a successor, process " + std::to_string(pid_) + ", is starting already");
    return;
  }
  Launch launch(listeners, directory_);
  pid_t pid = [] {
    signals::OwnFork own;
    return fork();
  }();
  if (pid == 0) {
    launch.exec();
  }
  if (pid < 0) {
    log::error(std::string("cannot start a successor: ") + std::strerror(errno));
    return;
  }
  pid_ = pid;
  log::info("process " + std::to_string(pid_) + " is to take over");
}

void Successor::end() {
  if (is_alive()) kill(pid_, SIGTERM);
}

bool Successor::is_alive() {
  if (pid_ == 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "code " + std::to_string(WEXITSTATUS(status));
  log::error("process " + std::to_string(pid_) + ", which was to take over, has ended with " + how + ": this one goes on");
  pid_ = 0;
  return false;
}

}  // namespace corelab
