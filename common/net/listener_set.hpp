// The listening side, once for all cores: claiming a port, SO_REUSEPORT siblings, accepting, and closing a listener
// without resetting who is about to be accepted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/http/message.hpp"
#include "common/net/address.hpp"
#include "common/net/fd.hpp"
#include "common/net/handed_sockets.hpp"

namespace corelab {

/// One connection as accept() gave it, or why there is none.
struct Accepted {
  enum class Outcome {
    connection,
    none,       ///< nothing waits, or it left before it was accepted
    exhausted,  ///< no descriptors or memory: pause, nothing is lost while connections wait in the kernel
  };
  Outcome outcome = Outcome::none;
  Fd fd;  ///< close-on-exec, TCP_NODELAY
  int listener = -1;
  Peer peer;
  Clock::time_point begun{}, done{};  ///< when it was accepted
};

/// accept4 from a listener; `blocking` gives a socket whose reads wait.
Accepted accept_connection(int listener, bool blocking);

/// Says, once a second at most, that accept_connection() was `exhausted`; how long to pause then.
void warn_of_exhaustion();
inline constexpr auto exhaustion_pause = std::chrono::milliseconds(100);

/// Listening sockets: one accept queue or several (SO_REUSEPORT), and in each one socket an address. Created before any
/// thread or fork; its sockets are only read after.
class ListenerSet {
 public:
  /// Binds every address. A port that somebody listens on is refused even if they and we use SO_REUSEPORT: the first
  /// socket is bound without it. Throws std::system_error with a sentence. A stale UNIX domain socket is replaced. A
  /// UNIX domain socket has no SO_REUSEPORT: all queues share it. The last `kept` addresses are for who watches the
  /// server while it drains: all queues share them, too, so that whoever is left answers, and they stay open to the
  /// end.
  /// Addresses of `handed` are not bound again; a queue may have several of their sockets, or share one.
  ListenerSet(const std::vector<Address>& addresses, unsigned queues, int backlog, unsigned kept = 0, HandedSockets handed = {});
  ListenerSet(ListenerSet&&) = default;
  ~ListenerSet();
  ListenerSet(const ListenerSet&) = delete;

  unsigned queues() const { return static_cast<unsigned>(queues_.size()); }
  /// The sockets of queue `index`, in the order of the addresses.
  std::span<const int> queue(unsigned index) const { return queues_[index]; }
  /// As bound: with the port the kernel chose.
  const std::vector<Address>& addresses() const { return bound_; }

  /// Newcomers are refused at once, as if nobody listened; handshakes in flight finish, and who is queued can be accepted: a
  /// listener that is just closed resets them. Follow with a little accepting, then close. Final.
  /// A UNIX domain socket loses its name instead: whoever comes finds nobody, or a successor. Kept addresses go on.
  void refuse_newcomers();

  /// A successor accepts on these sockets from now on: they are neither closed to newcomers nor lose their names.
  void leave_to_successor();
  /// The other side of that, when this program serves: what it was handed is its own, names included, and no steering of its
  /// predecessor's is left.
  void take_over();
  /// False: a supervisor keeps them open, for the next program.
  bool are_own() const { return are_own_; }

  /// Sends new connections only to queues whose bit is set; all set means by the kernel's hash again.
  /// socket(7), SO_ATTACH_REUSEPORT_CBPF.
  void steer_to(const std::vector<bool>& alive) const;

  /// The listener of that descriptor, as an application sees it; valid as long as the set. Null for another one.
  const Endpoint* endpoint(int listener) const;
  /// Of all its sockets.
  std::vector<int> descriptors() const;
  bool keeps_some() const { return !kept_sockets_.empty(); }

  /// Closes this process's copies, but for the kept ones. Nobody accepts any more.
  void close();

  /// Takes the names of UNIX domain sockets away, in the process that has made them. Async-signal-safe.
  void unlink_names() const;

  /// Connections that wait to be accepted, in all queues but on kept addresses; of a UNIX domain socket it is only known
  /// that there are some.
  unsigned waiting() const;

 private:
  void bind_all(const Address& wanted, int backlog, bool is_kept);
  void adopt(std::vector<Fd> handed, bool is_kept);
  void add(Fd fd, bool is_kept);

  std::vector<std::vector<int>> queues_;
  std::vector<Fd> sockets_, kept_sockets_;
  std::vector<Address> bound_;
  std::vector<std::pair<int, Endpoint>> endpoints_;  // by descriptor, once each
  /// A UNIX domain socket's; the file may be a successor's by now.
  struct Name {
    std::string path;
    std::uint64_t device, inode;
    bool is_handed = false;
    void unlink() const;
  };
  static Name name_of(const Address& address);
  std::vector<Name> names_, kept_names_;
  std::vector<int> handed_;  // of a predecessor's
  std::unique_ptr<std::atomic<bool>> has_taken_over_ = std::make_unique<std::atomic<bool>>(false);
  bool can_steer_ = true;  // each queue has a socket of its own, in their order
  bool are_own_ = true;  // they are not a supervisor's
  int owner_pid_;  // a forked child does not unlink its parent's UNIX domain sockets
};

}  // namespace corelab
