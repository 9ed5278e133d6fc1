#include "tests/support/process_info.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace corelab::test {
namespace {

std::string proc(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/" + name);
  std::ostringstream content;
  content << file.rdbuf();  // which, unlike an iterator, does not throw if the process ends meanwhile
  return content.str();
}

// The fields of /proc/PID/stat from the state on: behind the command, which may hold spaces and parentheses.
std::vector<std::string> stat_fields(pid_t pid, const std::string& name = "stat") {
  const std::string text = proc(pid, name);
  const size_t command_end = text.rfind(')');
  if (command_end == std::string::npos) return {};
  std::istringstream stream(text.substr(command_end + 1));
  return {std::istream_iterator<std::string>(stream), {}};
}

// What its descriptors are of, as far as they have not been closed meanwhile.
std::vector<std::string> descriptors_of(pid_t pid) {
  std::vector<std::string> targets;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    targets.push_back(std::filesystem::read_symlink(fd.path(), gone).string());
  }
  return targets;
}

}  // namespace

bool is_alive(pid_t pid) {
  const auto fields = stat_fields(pid);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

bool is_stopped(pid_t pid) {
  std::error_code ignored;
  bool all_stopped = true;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    const auto fields = stat_fields(pid, "task/" + task.path().filename().string() + "/stat");
    all_stopped &= !fields.empty() && fields[0] == "T";
  }
  return all_stopped && !ignored;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  std::error_code ignored;  // the process may end while it is looked at
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    std::istringstream stream(proc(pid, "task/" + task.path().filename().string() + "/children"));
    for (pid_t child = 0; stream >> child;)
      if (is_alive(child)) children.push_back(child);
  }
  std::sort(children.begin(), children.end());
  return children;
}

Millis cpu_time(pid_t pid) {
  Millis total{0};
  if (const auto fields = stat_fields(pid); fields.size() > 12)
    total += Millis((std::stoll(fields[11]) + std::stoll(fields[12])) * 1000 / ::sysconf(_SC_CLK_TCK));
  for (const pid_t child : children_of(pid)) total += cpu_time(child);
  return total;
}

size_t thread_count(pid_t pid) {
  const auto fields = stat_fields(pid);
  return fields.size() > 17 ? std::stoull(fields[17]) : 0;
}

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task"))
    threads.push_back(std::stoi(entry.path().filename()));
  return threads;
}

size_t open_files(pid_t pid) { return descriptors_of(pid).size(); }

size_t deleted_files(pid_t pid) {
  const std::vector<std::string> all = descriptors_of(pid);
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const std::string& target) {
    return target.find("(deleted)") != std::string::npos;
  }));
}

}  // namespace corelab::test
