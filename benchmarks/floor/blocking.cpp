#include "benchmarks/floor/connection.hpp"
#include "benchmarks/floor/models.hpp"
#include "benchmarks/floor/thread.hpp"

namespace corelab::floor {
namespace {

void serve(int fd, const Canned& canned) {
  char buffer[chunk_bytes];
  Connection connection(fd);
  while (connection.step(canned, buffer) != Wants::close) {
  }
}

}  // namespace

void run_blocking(const Listener& listener, const Canned& canned) {
  while (true) {
    const int fd = listener.accept();
    start_thread([fd, &canned] { serve(fd, canned); });
  }
}

}  // namespace corelab::floor
