#include "apps/lab/work.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace corelab {

namespace {

std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

constexpr std::size_t period = 64;

constexpr auto block = [] {
  std::array<char, 4096> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-\n"[i % period];
  }
  return bytes;
}();

class PatternSource final : public BodySource {
 public:
  explicit PatternSource(std::size_t n) : size_(n) {}
  std::optional<std::size_t> length() const override { return size_; }
  std::size_t pull(std::span<char> into) override {
    std::size_t n = 0;
    while (n < into.size() && given_ < size_) {
      std::size_t offset = given_ % period;
      std::size_t piece = std::min({into.size() - n, size_ - given_, block.size() - offset});
      std::memcpy(into.data() + n, block.data() + offset, piece);
      n += piece;
      given_ += piece;
    }
    return n;
  }

 private:
  std::size_t size_;
  std::size_t given_ = 0;
};

}  // namespace

void burn_cpu(std::chrono::microseconds time) {
  auto end = thread_cpu_time() + time;
  volatile std::uint64_t state = 88172645463325252u;
  while (thread_cpu_time() < end) {
    // Some work between looks at the clock, which is a system call.
    for (int i = 0; i < 200; ++i) {
      std::uint64_t x = state;
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      state = x;
    }
  }
}

void block_thread(std::chrono::milliseconds time) {
  timespec left{time.count() / 1000, time.count() % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

Response pattern(std::size_t n) {
  return {200, "application/octet-stream", std::make_unique<PatternSource>(n)};
}

}  // namespace corelab
