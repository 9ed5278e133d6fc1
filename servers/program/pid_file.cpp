#include "servers/program/pid_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/net/fd.hpp"
#include "servers/program/options.hpp"

namespace corelab {

namespace {

std::string own_content() { return std::to_string(getpid()) + '\n'; }

}  // namespace

// (Without O_NONBLOCK a FIFO that nobody reads would be waited for.)
void PidFile::write() const {
  if (path_.empty()) return;
  Fd file(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644));
  std::string content = own_content();
  if (!file || ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    throw SystemError("cannot write the process id to " + path_ + ": " + std::strerror(errno));
  }
}

void PidFile::remove() const {
  if (path_.empty()) return;
  std::array<char, 32> content{};
  Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  ssize_t n = file ? read(file.get(), content.data(), content.size()) : 0;
  if (n > 0 && std::string_view(content.data(), static_cast<std::size_t>(n)) == own_content()) unlink(path_.c_str());
}

}  // namespace corelab
