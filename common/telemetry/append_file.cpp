#include "common/telemetry/append_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

namespace corelab {

namespace {
Fd open_for_append(const std::string& path, int standard) {
  Fd fd(path == "-" ? fcntl(standard, F_DUPFD_CLOEXEC, 0)
                    : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) throw std::system_error(errno, std::generic_category(), "cannot write to " + path);
  return fd;
}
}  // namespace

AppendFile::AppendFile(const std::string& path, int standard)
    : standard_(standard), fd_(open_for_append(path, standard)) {}

void AppendFile::write(std::string_view lines) const {
  [[maybe_unused]] ssize_t written = ::write(fd_.get(), lines.data(), lines.size());
}

void AppendFile::reopen(const std::string& path) {
  // The number stays the same, so that no writer is caught between two descriptors.
  dup3(open_for_append(path, standard_).get(), fd_.get(), O_CLOEXEC);
}

}  // namespace corelab
