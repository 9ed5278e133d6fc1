// A port that somebody listens on is refused, whatever the socket options of either side.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"

namespace corelab::test {
namespace {

// A listener on a free port of 127.0.0.1.
class Occupant {
 public:
  explicit Occupant(bool reuse_port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = reuse_port;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&where), size), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size);
    port_ = ntohs(where.sin_port);
  }
  ~Occupant() { ::close(fd_); }
  Occupant(const Occupant&) = delete;
  Occupant& operator=(const Occupant&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  int port_ = 0;
};

void expect_refused(const Core& core, const std::string& address) {
  const RunResult run = run_corelab({"serve", "--core", core.name, "-b", address});
  EXPECT_EQ(run.code, 1) << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << "not one sentence: " << run.err;
  EXPECT_NE(run.err.find(address.substr(address.rfind(':') + 1)), std::string::npos)
      << "names no port: " << run.err;
}

using PortInUse = CoreTest;

TEST_P(PortInUse, by_a_plain_listener_is_refused) {
  const Occupant occupant(false);
  expect_refused(core(), occupant.address());
}

TEST_P(PortInUse, by_a_listener_with_so_reuseport_is_refused) {
  const Occupant occupant(true);
  expect_refused(core(), occupant.address());
}

TEST_P(PortInUse, by_the_same_core_is_refused_and_the_first_goes_on) {
  const auto first = serve();
  expect_refused(core(), first.address());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(first.address(), "/plaintext").status(), 200);
}

TEST_P(PortInUse, by_connections_of_a_server_that_has_ended_is_not_in_use) {
  std::string address;
  {
    auto first = serve();
    address = first.address();
    // Closed by the server, so that its side of the connection is left in TIME_WAIT.
    EXPECT_EQ(get(address, "/plaintext").status(), 200);
    first.signal(SIGTERM);
    EXPECT_EQ(first.wait_exit(Millis(5'000)), 0);
  }
  const auto second = serve({"-b", address});
  EXPECT_EQ(get(address, "/plaintext").status(), 200);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, PortInUse, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
