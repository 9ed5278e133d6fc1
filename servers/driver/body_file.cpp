#include "servers/driver/body_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/net/fd.hpp"
#include "common/telemetry/log.hpp"

namespace corelab {

namespace {

// As it was at the first call: an application may change its environment.
const std::string& directory() {
  static const std::string name = [] {
    const char* chosen = std::getenv("TMPDIR");
    return std::string(chosen != nullptr && *chosen != '\0' ? chosen : "/tmp");
  }();
  return name;
}

void warn(const char* what) {
  int error = errno;
  static log::Throttle throttle;
  if (!throttle.is_due()) return;
  log::warning(std::string("a request's body cannot be kept in ") + directory() + " (TMPDIR): " + what + ": " +
               std::strerror(error));
}

Fd open_nameless() {
  Fd fd(open(directory().c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600));
  if (fd || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return fd;
  // File systems that do not know such files (open(2)).
  std::string name = directory() + "/corelab-XXXXXX";
  fd.reset(mkostemp(name.data(), O_CLOEXEC));
  if (fd) unlink(name.c_str());
  return fd;
}

class BodyFile final : public BodyStore {
 public:
  explicit BodyFile(Fd fd) : fd_(std::move(fd)) {}
  ~BodyFile() override {
    if (mapped_ != nullptr) munmap(mapped_, size_);
  }

  bool append(std::string_view bytes) override {
    while (!bytes.empty()) {
      ssize_t n = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        warn("pwrite");
        return false;
      }
      size_ += static_cast<std::size_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  std::string_view view() override {
    if (mapped_ == nullptr && size_ != 0) {
      void* mapped = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_.get(), 0);
      if (mapped == MAP_FAILED) {
        warn("mmap");
        return {};
      }
      mapped_ = mapped;
    }
    return {static_cast<const char*>(mapped_), size_};
  }

  int file() const override { return fd_.get(); }

 private:
  Fd fd_;
  std::size_t size_ = 0;
  void* mapped_ = nullptr;
};

}  // namespace

std::unique_ptr<BodyStore> make_body_file() {
  Fd fd = open_nameless();
  if (!fd) {
    warn("open");
    return nullptr;
  }
  return std::make_unique<BodyFile>(std::move(fd));
}

}  // namespace corelab
