#include "common/net/listener_set.hpp"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <numeric>
#include <system_error>

#include "common/net/descriptor_limit.hpp"
#include "common/net/own_descriptors.hpp"
#include "common/telemetry/log.hpp"

#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif

namespace corelab {

namespace {

void set_option(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value) != 0) {
    throw std::system_error(errno, std::generic_category(), "setsockopt");
  }
}

// A socket file that nobody listens on any more is left over from a server that was killed.
void remove_stale_socket(const Address& address) {
  struct stat status{};
  std::string path = address.unix_path();
  if (lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // (a queue that is full would be waited for)
  if (connect(probe.get(), address.get(), address.length()) != 0 && errno == ECONNREFUSED) unlink(path.c_str());
}

// What is in a socket's place; empty if it is a socket.
std::string what_is_no_socket(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0 || S_ISSOCK(status.st_mode)) return {};
  return S_ISDIR(status.st_mode) ? "a directory" : S_ISLNK(status.st_mode) ? "a symbolic link" : "a file";
}

[[noreturn]] void refuse_bind(const Address& address) {
  int error = errno;
  std::string sentence = "cannot listen on " + address.to_string();
  if (error == EADDRINUSE) {
    std::string what = address.is_unix() ? what_is_no_socket(address.unix_path()) : "";
    sentence += what.empty() ? " (choose another --bind, or end whoever listens there)"
                             : " (" + what + " has that name: take it away, or choose another)";
  }
  throw std::system_error(error, std::generic_category(), sentence);
}

// An application may change the directory.
std::string absolute(const std::string& path) { return std::filesystem::absolute(path); }

Endpoint endpoint_of(const Address& address) {
  if (address.is_unix()) return {"localhost", "80"};
  std::string text = address.to_string();
  return {text.substr(0, text.rfind(':')), std::to_string(address.port())};
}

// Accepted sockets have them from their listener.
void set_inherited_options(int fd) {
  // What a slow reader has not taken would otherwise fill its socket's buffer, megabytes each, at the cost of everybody's time.
  constexpr int unsent = 128 * 1024;
  set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent);
  // An answer is sent whole, at once; nothing is gained by holding back its last segment.
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

Fd open_socket(const Address& address) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) refuse_bind(address);
  if (!address.is_unix()) {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    set_inherited_options(fd.get());
  }
  if (address.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  return fd;
}

}  // namespace

ListenerSet::ListenerSet(const std::vector<Address>& addresses, unsigned queues, int backlog, unsigned kept, HandedSockets handed)
    : queues_(queues), are_own_(handed.sockets.empty() || handed.predecessor != 0), owner_pid_(getpid()) {
  for (const Address& wanted : addresses) {
    bool is_kept = bound_.size() + kept >= addresses.size();
    std::vector<Fd> given = handed.listening_on(wanted);
    given.empty() ? bind_all(wanted, backlog, is_kept) : adopt(std::move(given), is_kept);
  }
}

void ListenerSet::bind_all(const Address& wanted, int backlog, bool is_kept) {
  if (wanted.is_unix()) remove_stale_socket(wanted);
  Address address = wanted;
  bool is_shared = address.is_unix() || is_kept;
  for (unsigned i = 0; i < queues(); ++i) {
    if (i > 0 && is_shared) {
      queues_[i].push_back(queues_[0].back());
      continue;
    }
    Fd fd = open_socket(address);
    // Siblings join a port that is ours already; the claim itself is made without SO_REUSEPORT, so that a foreign
    // listener is refused without a race.
    if (i > 0) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (bind(fd.get(), address.get(), address.length()) != 0) refuse_bind(address);
    if (i == 0 && queues() > 1 && !is_shared) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (listen(fd.get(), backlog) != 0) refuse_bind(address);
    if (i == 0) {
      address = Address::of_socket(fd.get());
      bound_.push_back(address);
      if (address.is_unix()) (is_kept ? kept_names_ : names_).push_back(name_of(address));
    }
    queues_[i].push_back(fd.get());
    add(std::move(fd), is_kept);
  }
}

// As many queues as its last owner had: each of ours has one of them, or several, or shares one.
void ListenerSet::adopt(std::vector<Fd> handed, bool is_kept) {
  Address address = Address::of_socket(handed.front().get());
  bound_.push_back(address);
  if (address.is_unix() && are_own_) {
    std::vector<Name>& names = is_kept ? kept_names_ : names_;
    names.push_back(name_of(address));
    names.back().is_handed = true;
  }
  can_steer_ &= handed.size() == queues();
  for (std::size_t i = 0; i < std::max<std::size_t>(handed.size(), queues()); ++i) {
    queues_[i % queues()].push_back(handed[i % handed.size()].get());
  }
  for (Fd& fd : handed) {
    if (!address.is_unix()) set_inherited_options(fd.get());
    handed_.push_back(fd.get());
    add(std::move(fd), is_kept);
  }
}

void ListenerSet::add(Fd fd, bool is_kept) {
  endpoints_.emplace_back(fd.get(), endpoint_of(bound_.back()));
  (is_kept ? kept_sockets_ : sockets_).push_back(std::move(fd));
}

ListenerSet::~ListenerSet() { unlink_names(); }

const Endpoint* ListenerSet::endpoint(int listener) const {
  for (const auto& [fd, endpoint] : endpoints_) {
    if (fd == listener) return &endpoint;
  }
  return nullptr;
}

void ListenerSet::close() {
  for (const Fd& fd : sockets_) own_descriptors::remove(fd.get());
  sockets_.clear();
}

std::vector<int> ListenerSet::descriptors() const {
  std::vector<int> all;
  for (const auto* sockets : {&sockets_, &kept_sockets_}) {
    for (const Fd& fd : *sockets) all.push_back(fd.get());
  }
  return all;
}

void ListenerSet::unlink_names() const {
  if (getpid() != owner_pid_) return;
  for (const auto* names : {&names_, &kept_names_}) {
    for (const Name& name : *names) {
      if (!name.is_handed || *has_taken_over_) name.unlink();
    }
  }
}

ListenerSet::Name ListenerSet::name_of(const Address& address) {
  struct stat status{};
  std::string path = absolute(address.unix_path());
  lstat(path.c_str(), &status);
  return {.path = path, .device = status.st_dev, .inode = status.st_ino};
}

void ListenerSet::Name::unlink() const {
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0 && status.st_dev == device && status.st_ino == inode) ::unlink(path.c_str());
}

Accepted accept_connection(int listener, bool blocking) {
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  Accepted accepted;
  accepted.begun = Clock::now();
  int fd = accept4(listener, reinterpret_cast<sockaddr*>(&from), &length,
                   SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK));
  if (fd >= 0) {
    descriptor_limit::saw(fd);
    accepted.outcome = Accepted::Outcome::connection;
    accepted.done = Clock::now();
    accepted.fd.reset(fd);
    accepted.listener = listener;
    accepted.peer = Address::peer(from);
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    accepted.outcome = Accepted::Outcome::exhausted;
  }
  // All else (EAGAIN, ECONNABORTED, EINTR, and the network errors of accept(2)) is about one connection or none.
  return accepted;
}

void warn_of_exhaustion() {
  static log::Throttle throttle;
  if (!throttle.is_due()) return;
  log::warning(
      "out of descriptors or memory: no connection is accepted for a moment (raise ulimit -n, or lower "
      "--worker-connections)");
}

namespace {

// No interface has that index: a listener that is bound to it is found by no SYN any more, so that the kernel answers it as if
// nobody listened, while handshakes under way and its accept queue are not touched. Takes no privilege where the socket was
// bound to no interface before (socket(7), SO_BINDTODEVICE; SO_BINDTOIFINDEX came with Linux 5.0).
bool hide(int listener) {
  int nowhere = std::numeric_limits<int>::max();
  return setsockopt(listener, SOL_SOCKET, SO_BINDTOIFINDEX, &nowhere, sizeof nowhere) == 0;
}

// For older kernels: drops SYNs, so that newcomers try again a second later.
void drop_newcomers(int listener) {
  constexpr std::uint32_t flags_offset = 13;  // of the TCP header, RFC 9293 section 3.1
  constexpr std::uint32_t syn = 0x02, syn_and_ack = 0x12;
  std::array<sock_filter, 5> program = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_offset),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn_and_ack),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
  }};
  sock_fprog filter{program.size(), program.data()};
  setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace

void ListenerSet::refuse_newcomers() {
  if (getpid() == owner_pid_) {
    for (const Name& name : names_) name.unlink();
  }
  names_.clear();  // once: they may be a successor's from now on
  for (const Fd& fd : sockets_) {
    if (!Address::of_socket(fd.get()).is_unix() && !hide(fd.get())) drop_newcomers(fd.get());
  }
}

void ListenerSet::leave_to_successor() {
  names_.clear();
  kept_names_.clear();
}

void ListenerSet::take_over() {
  *has_taken_over_ = true;
  int off = 0;  // (a socket that has no group refuses)
  for (int fd : handed_) setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &off, sizeof off);
}

void ListenerSet::steer_to(const std::vector<bool>& alive) const {
  if (!can_steer_) return;
  std::vector<std::uint32_t> targets;
  for (unsigned i = 0; i < alive.size(); ++i) {
    if (alive[i]) targets.push_back(i);
  }
  bool all = targets.empty() || targets.size() == alive.size();
  // A random number modulo the queues that are alive, then a ladder of comparisons from it to the queue's index in the
  // group, which is the order of their binding.
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, static_cast<std::uint32_t>(targets.size())),
  };
  for (std::uint32_t i = 0; i < targets.size(); ++i) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, targets[i]));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  sock_fprog steering{static_cast<unsigned short>(program.size()), program.data()};
  for (int fd : queues_[0]) {
    int off = 0;  // (a socket that is shared has no group, and refuses)
    if (all) {
      setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &off, sizeof off);
    } else {
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &steering, sizeof steering);
    }
  }
}

unsigned ListenerSet::waiting() const {
  unsigned sum = 0;
  for (const Fd& fd : sockets_) {
    if (Address::of_socket(fd.get()).is_unix()) {
      pollfd one{fd.get(), POLLIN, 0};
      sum += poll(&one, 1, 0) > 0 ? 1 : 0;
      continue;
    }
    tcp_info info{};
    socklen_t length = sizeof info;
    // Of a listening socket, tcpi_unacked is the length of its accept queue.
    if (getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0) sum += info.tcpi_unacked;
  }
  return sum;
}

}  // namespace corelab
