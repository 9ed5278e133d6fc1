// The epoll set of the two models that wait for readiness, and the only owner of their idle connections.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "benchmarks/floor/connection.hpp"
#include "benchmarks/floor/listener.hpp"

namespace corelab::floor {

/// Who handles a ready connection: the waiting thread, before it waits again, or another thread, to which
/// nothing more is reported until it rearms (EPOLLONESHOT).
enum class Handling { here, elsewhere };

/// Open until the process ends. Gives up (give_up.hpp) when the kernel refuses a watch.
class Readiness {
 public:
  Readiness(const Listener& listener, Handling handling);

  /// Waits for as long as it takes. Events of the listener have a null data.ptr, the others their
  /// Connection*. Valid until the next wait. For one thread.
  std::span<const epoll_event> wait();

  /// Adopts every connection in the accept queue. For the waiting thread.
  void accept_all();

  /// Reports `connection` when it can do what it wants, read or write. Any thread; another may handle it
  /// before this returns.
  void rearm(Connection* connection, Wants wants) const;

  /// Closes a connection that was reported and not rearmed since. Any thread.
  static void close(Connection* connection) { delete connection; }

 private:
  void control(int operation, Connection* connection, Wants wants) const;

  const Listener& listener_;
  std::uint32_t flags_;
  int fd_;
  epoll_event events_[512];
};

}  // namespace corelab::floor
