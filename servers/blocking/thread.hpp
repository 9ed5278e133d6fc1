// A joinable thread with a stack of a given size, which std::thread does not offer.
#pragma once

#include <pthread.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

namespace corelab {

class Thread {
 public:
  /// Throws std::system_error if the system has no more threads.
  Thread(unsigned stack_kib, std::function<void()> body) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, std::size_t{stack_kib} * 1024);
    auto owned = std::make_unique<std::function<void()>>(std::move(body));
    int error = pthread_create(
        &thread_, &attributes,
        [](void* argument) -> void* {
          std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(argument));
          (*run)();
          return nullptr;
        },
        owned.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "cannot start a thread");
    owned.release();
  }
  Thread(const Thread&) = delete;
  ~Thread() { pthread_join(thread_, nullptr); }

 private:
  pthread_t thread_{};
};

}  // namespace corelab
