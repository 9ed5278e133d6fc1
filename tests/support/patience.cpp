#include "tests/support/patience.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace corelab::test {

double slowdown() {
  static const double factor = [] {
    const char* text = std::getenv("CORELAB_TEST_SLOWDOWN");
    return std::max(1.0, text ? std::atof(text) : static_cast<double>(CORELAB_TEST_DEFAULT_SLOWDOWN));
  }();
  return factor;
}

bool is_sanitized() {
  const char* sanitizer = std::getenv("CORELAB_TEST_SANITIZER");
  return sanitizer != nullptr && *sanitizer != '\0';
}

bool is_thread_sanitized() {
  const char* sanitizer = std::getenv("CORELAB_TEST_SANITIZER");
  return sanitizer != nullptr && std::strcmp(sanitizer, "thread") == 0;
}

Millis patient(Millis bound) {
  return Millis(static_cast<Millis::rep>(static_cast<double>(bound.count()) * slowdown()));
}

Deadline deadline_in(Millis bound) { return Clock::now() + patient(bound); }

int millis_left(Deadline deadline) {
  const auto left = std::chrono::ceil<Millis>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<Millis::rep>(0, left));
}

bool eventually(const std::function<bool()>& condition, Millis within) {
  const Deadline deadline = deadline_in(within);
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(Millis(10));
  }
  return true;
}

Millis time_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration_cast<Millis>(Clock::now() - start);
}

}  // namespace corelab::test
