#include "benchmarks/floor/models.hpp"
#include "benchmarks/floor/readiness.hpp"

namespace corelab::floor {

void run_epoll(const Listener& listener, const Canned& canned) {
  Readiness readiness(listener, Handling::here);
  char buffer[chunk_bytes];
  while (true) {
    for (const epoll_event& event : readiness.wait()) {
      const auto connection = static_cast<Connection*>(event.data.ptr);
      if (connection == nullptr) {
        readiness.accept_all();
        continue;
      }
      const Wants waited_for = event.events & EPOLLOUT ? Wants::write : Wants::read;
      const Wants wants = connection->step(canned, buffer);
      if (wants == Wants::close) {
        Readiness::close(connection);
      } else if (wants != waited_for) {
        readiness.rearm(connection, wants);
      }
    }
  }
}

}  // namespace corelab::floor
