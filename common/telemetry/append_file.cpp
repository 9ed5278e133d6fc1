#include "common/telemetry/append_file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace corelab {

namespace {

mode_t kind_of(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

Fd opened(const std::string& path) { return Fd(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644)); }

// The flags of a pipe or a terminal that others have, too, are not ours to change: it is opened anew (proc(5)).
Fd opened_anew(int standard) {
  mode_t kind = kind_of(standard);
  if (kind == S_IFIFO || kind == S_IFCHR) {
    if (Fd own = opened("/proc/self/fd/" + std::to_string(standard))) return own;
  }
  return Fd(fcntl(standard, F_DUPFD_CLOEXEC, 0));
}

Fd open_for_append(const std::string& path, int standard) {
  Fd fd = path == "-" ? opened_anew(standard) : opened(path);
  if (!fd) throw std::system_error(errno, std::generic_category(), "cannot write to " + path);
  return fd;
}

}  // namespace

AppendFile::AppendFile(const std::string& path, int standard)
    : standard_(standard), fd_(open_for_append(path, standard)), is_socket_(kind_of(fd_.get()) == S_IFSOCK) {}

std::uint64_t AppendFile::write(std::string_view lines) const {
  std::string behind_torn;
  if (is_torn_.exchange(false)) lines = behind_torn.append("\n").append(lines);
  ssize_t written = is_socket_ ? send(fd_.get(), lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                               : ::write(fd_.get(), lines.data(), lines.size());
  if (written == static_cast<ssize_t>(lines.size())) return lost_.exchange(0, std::memory_order_relaxed);
  lost_.fetch_add(1, std::memory_order_relaxed);
  if (written > 0 || !behind_torn.empty()) is_torn_ = true;
  return 0;
}

void AppendFile::reopen(const std::string& path) {
  // The number stays the same, so that no writer is caught between two descriptors.
  Fd fresh = open_for_append(path, standard_);
  is_socket_ = kind_of(fresh.get()) == S_IFSOCK;
  dup3(fresh.get(), fd_.get(), O_CLOEXEC);
}

}  // namespace corelab
