#include "benchmarks/floor/thread.hpp"

#include <pthread.h>

#include <cerrno>
#include <memory>

#include "benchmarks/floor/give_up.hpp"

namespace corelab::floor {
namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

using Body = std::function<void()>;

void* run(void* argument) {
  const std::unique_ptr<Body> body(static_cast<Body*>(argument));
  (*body)();
  return nullptr;
}

}  // namespace

void start_thread(Body body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  auto argument = std::make_unique<Body>(std::move(body));
  pthread_t thread;
  errno = pthread_create(&thread, &attributes, run, argument.get());
  if (errno != 0) give_up("cannot start a thread", "use fewer connections, or raise the limit (ulimit -u)");
  static_cast<void>(argument.release());  // the thread has it now
  pthread_attr_destroy(&attributes);
}

}  // namespace corelab::floor
