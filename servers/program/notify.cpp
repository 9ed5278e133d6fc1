#include "servers/program/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/clock.hpp"
#include "common/net/fd.hpp"

namespace corelab::notify {

namespace {

// As it was at the start: an application may change its environment.
const std::string path = [] {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  return std::string(variable != nullptr ? variable : "");
}();

void say(const std::string& what) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract name (unix(7))
  Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sendto(fd.get(), what.data(), what.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()));
}

}  // namespace

void ready(bool is_main) { say(is_main ? "READY=1\nMAINPID=" + std::to_string(getpid()) : "READY=1"); }

void reloading() {
  auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void stopping() { say("STOPPING=1"); }

}  // namespace corelab::notify
