#include "tests/support/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>

namespace corelab::test {

namespace detail {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Reads a pipe to its end on a thread of its own, so that the child never blocks on a full pipe.
class Collector {
 public:
  Collector() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw_errno("pipe");
  }
  Collector(const Collector&) = delete;
  ~Collector() {
    stop_ = true;
    close_write_end();
    if (thread_.joinable()) thread_.join();
    ::close(ends_[0]);
  }

  int write_end() const { return ends_[1]; }
  void start() {
    close_write_end();
    thread_ = std::thread([this] { collect(); });
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }
  // Waits until everything that writes to the pipe is gone, or, when a stray process keeps it open, a moment.
  void finish() {
    eventually([this] { return done_.load(); }, Millis(1'000));
  }

 private:
  void close_write_end() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  void collect() {
    char buffer[4096];
    while (!stop_) {
      pollfd readable{ends_[0], POLLIN, 0};
      if (::poll(&readable, 1, 50) != 1) continue;
      const ssize_t count = ::read(ends_[0], buffer, sizeof buffer);
      if (count == 0) break;
      if (count < 0) continue;
      std::lock_guard lock(mutex_);
      text_.append(buffer, static_cast<size_t>(count));
    }
    done_ = true;
  }

  int ends_[2] = {-1, -1};
  mutable std::mutex mutex_;
  std::string text_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

std::vector<std::string> environment_of(const Surroundings& around) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry; ++entry)
    if (!std::string_view(*entry).starts_with("CORELAB_")) variables.emplace_back(*entry);
  for (const auto& [name, value] : around.environment) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (auto& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

class Process {
 public:
  Process(const Arguments& arguments, const Surroundings& around) {
    // Everything is prepared before fork(): between fork and exec only async-signal-safe calls are allowed.
    std::vector<std::string> words{corelab_binary()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables = environment_of(around);
    std::vector<char*> argv = pointers(words);
    std::vector<char*> envp = pointers(variables);
    const pid_t parent = ::getpid();
    // By descriptor: another user need not be allowed into the directories that lead to the program.
    const int program = ::open(argv[0], O_PATH | O_CLOEXEC);
    pid_ = ::fork();
    if (pid_ < 0) throw_errno("fork");
    if (pid_ == 0) {
      ::setpgid(0, 0);
      if (around.user && ::setuid(*around.user) != 0) ::_exit(126);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // behind setuid(), which would clear it
      if (::getppid() != parent) ::_exit(126);
      ::dup2(out_.write_end(), STDOUT_FILENO);
      ::dup2(err_.write_end(), STDERR_FILENO);
      for (const auto& [resource, value] : around.limits) {
        const rlimit both{value, value};
        if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0) ::_exit(126);
      }
      for (const auto& [resource, soft] : around.soft_limits) {
        rlimit both{};
        ::getrlimit(static_cast<__rlimit_resource_t>(resource), &both);
        both.rlim_cur = soft;
        if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0) ::_exit(126);
      }
      if (!around.directory.empty() && ::chdir(around.directory.c_str()) != 0) ::_exit(126);
      for (int fd : around.closed) ::close(fd);
      ::fexecve(program, argv.data(), envp.data());
      ::_exit(127);
    }
    if (program >= 0) ::close(program);
    ::setpgid(pid_, pid_);  // also here, so that the group exists before the first kill
    out_.start();
    err_.start();
  }
  ~Process() {
    kill_group();
    if (!code_) {
      int status = 0;
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
      }
    }
  }

  pid_t pid() const { return pid_; }
  std::string out() const { return out_.text(); }
  std::string err() const { return err_.text(); }
  void kill_group() const { ::kill(-pid_, SIGKILL); }

  std::optional<int> exit_code() {
    int status = 0;
    if (!code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      err_.finish();
      out_.finish();
    }
    return code_;
  }
  std::optional<int> wait_exit(Millis within) {
    eventually([this] { return exit_code().has_value(); }, within);
    return code_;
  }

 private:
  Collector out_;
  Collector err_;
  pid_t pid_ = -1;
  std::optional<int> code_;
};

}  // namespace detail

namespace {

constexpr std::string_view kAnnouncement = ": listening on ";

// Behind the program's name, which is one word: what the log says begins with a time and a process.
bool is_announcement(std::string_view line) {
  const size_t at = line.find(kAnnouncement);
  return at != line.npos && line.substr(0, at).find(": ") == line.npos;
}

// The whole lines of `text` that announce an address.
std::vector<std::string> announcements(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line) && !stream.eof();)
    if (is_announcement(line)) lines.push_back(line);
  return lines;
}

// "A, B core=... workers=..." and "A B core=..." alike.
std::vector<std::string> addresses_in(const std::string& line) {
  const size_t begin = line.find(kAnnouncement) + kAnnouncement.size();
  std::string list = line.substr(begin, line.find(" core=") - begin);
  std::replace(list.begin(), list.end(), ',', ' ');
  std::istringstream stream(list);
  std::vector<std::string> addresses;
  for (std::string address; stream >> address;) addresses.push_back(address);
  return addresses;
}

}  // namespace

std::string corelab_binary() {
  const char* chosen = std::getenv("CORELAB_BIN");
  return chosen && *chosen ? chosen : CORELAB_TEST_BINARY;
}

RunResult run_corelab(const Arguments& arguments, const Surroundings& around, Millis within) {
  detail::Process process(arguments, around);
  RunResult result;
  result.code = process.wait_exit(within);
  result.out = process.out();
  result.err = process.err();
  if (result.code == 127)
    throw std::runtime_error("cannot run " + corelab_binary() + ": build it, or set CORELAB_BIN");
  return result;
}

ServerProcess::ServerProcess(const std::string& core, const Arguments& arguments,
                             const Surroundings& around) {
  Arguments words{"serve"};
  if (!core.empty()) words.insert(words.end(), {"--core", core});
  const auto is_bind = [](const std::string& word) { return word == "-b" || word == "--bind"; };
  const bool binds = core.empty() || std::any_of(arguments.begin(), arguments.end(), is_bind);
  if (!binds) words.insert(words.end(), {"-b", "127.0.0.1:0"});
  words.insert(words.end(), arguments.begin(), arguments.end());
  process_ = std::make_unique<detail::Process>(words, around);

  eventually([this] { return !announcements(errors()).empty() || process_->exit_code(); }, Millis(10'000));
  const auto lines = announcements(errors());
  if (lines.empty()) {
    std::string command;
    for (const auto& word : words) command += " " + word;
    const auto code = process_->exit_code();
    throw std::runtime_error("corelab" + command + ": " +
                             (code ? "exit " + std::to_string(*code) : std::string("no announcement")) +
                             "\n" + errors());
  }
  announcement_ = lines.front();
  for (const auto& line : lines)
    for (auto& address : addresses_in(line)) addresses_.push_back(std::move(address));
  if (addresses_.empty()) throw std::runtime_error("no address in: " + announcement_);
}

ServerProcess ServerProcess::starting(const Arguments& arguments, const Surroundings& around) {
  ServerProcess server;
  server.process_ = std::make_unique<detail::Process>(arguments, around);
  return server;
}

ServerProcess::~ServerProcess() = default;
ServerProcess::ServerProcess(ServerProcess&&) noexcept = default;

pid_t ServerProcess::pid() const { return process_->pid(); }
std::string ServerProcess::errors() const { return process_->err(); }
std::string ServerProcess::output() const { return process_->out(); }
void ServerProcess::signal(int number) const { ::kill(pid(), number); }
std::optional<int> ServerProcess::wait_exit(Millis within) { return process_->wait_exit(within); }

bool ServerProcess::says(const std::string& text, Millis within) const {
  return eventually([&] { return errors().find(text) != std::string::npos; }, within);
}

}  // namespace corelab::test
