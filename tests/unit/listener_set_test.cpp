#include "common/net/listener_set.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <thread>

#include "tests/support/temp_dir.hpp"

namespace corelab {
namespace {

const Address any_port = Address::parse("127.0.0.1:0");

/// Connects, waiting at most `patience` for the handshake; no descriptor if it did not come about.
Fd connect_to(const Address& address, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
  Fd fd(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), address.get(), address.length()) == 0) return fd;
  if (errno != EINPROGRESS) return Fd();
  pollfd connecting{fd.get(), POLLOUT, 0};
  if (poll(&connecting, 1, static_cast<int>(patience.count())) != 1) return Fd();
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? std::move(fd) : Fd();
}

std::vector<Fd> connect_many(const Address& address, int count) {
  std::vector<Fd> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(connect_to(address));
    EXPECT_TRUE(clients.back()) << i;
  }
  return clients;
}

/// Accepts all that wait on a listener.
int drain(int listener) {
  int count = 0;
  while (accept_connection(listener, false).outcome == Accepted::Outcome::connection) ++count;
  return count;
}

/// The end of a handshake may be a moment behind its client's connect(2).
void expect_waiting(const ListenerSet& listeners, unsigned count) {
  for (int i = 0; i < 500 && listeners.waiting() != count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(listeners.waiting(), count);
}

TEST(ListenerSet, accepts_on_the_port_it_says) {
  ListenerSet listeners({any_port}, 1, 16);
  ASSERT_EQ(listeners.addresses().size(), 1u);
  EXPECT_GT(listeners.addresses()[0].port(), 0);
  EXPECT_EQ(accept_connection(listeners.queue(0)[0], false).outcome, Accepted::Outcome::none);
  Fd client = connect_to(listeners.addresses()[0]);
  ASSERT_TRUE(client);
  expect_waiting(listeners, 1);
  Accepted accepted = accept_connection(listeners.queue(0)[0], false);
  ASSERT_EQ(accepted.outcome, Accepted::Outcome::connection);
  EXPECT_EQ(accepted.peer.address(), "127.0.0.1");
  EXPECT_EQ(accepted.peer.port, Address::of_socket(client.get()).port());
  EXPECT_GE(accepted.done, accepted.begun);
}

TEST(ListenerSet, a_port_in_use_is_refused_with_a_sentence) {
  for (unsigned queues : {1u, 3u}) {
    ListenerSet first({any_port}, 1, 16);
    try {
      ListenerSet second({first.addresses()[0]}, queues, 16);
      ADD_FAILURE() << queues;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EADDRINUSE);
      EXPECT_NE(std::string(error.what()).find(first.addresses()[0].to_string()), std::string::npos);
    }
  }
}

TEST(ListenerSet, a_port_that_others_share_is_refused_too) {
  Fd foreign(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  setsockopt(foreign.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ASSERT_EQ(bind(foreign.get(), any_port.get(), any_port.length()), 0);
  ASSERT_EQ(listen(foreign.get(), 16), 0);
  EXPECT_THROW(ListenerSet({Address::of_socket(foreign.get())}, 4, 16), std::system_error);

  ListenerSet ours({any_port}, 4, 16);
  EXPECT_THROW(ListenerSet({ours.addresses()[0]}, 4, 16), std::system_error);
}

TEST(ListenerSet, siblings_share_the_newcomers) {
  ListenerSet listeners({any_port}, 3, 256);
  std::vector<Fd> clients = connect_many(listeners.addresses()[0], 150);
  expect_waiting(listeners, 150);
  int sum = 0;
  for (unsigned queue = 0; queue < 3; ++queue) {
    int share = drain(listeners.queue(queue)[0]);
    EXPECT_GT(share, 0) << queue;
    sum += share;
  }
  EXPECT_EQ(sum, 150);
}

TEST(ListenerSet, each_queue_has_every_address) {
  test::TempDir dir;
  ListenerSet listeners({any_port, any_port, Address::parse("unix:" + dir.path("s"))}, 2, 16);
  ASSERT_EQ(listeners.queue(0).size(), 3u);
  ASSERT_EQ(listeners.queue(1).size(), 3u);
  EXPECT_NE(listeners.queue(0)[0], listeners.queue(1)[0]);
  EXPECT_EQ(listeners.queue(0)[2], listeners.queue(1)[2]) << "a UNIX domain socket is shared";
  EXPECT_NE(listeners.addresses()[0].port(), listeners.addresses()[1].port());
}

TEST(ListenerSet, newcomers_are_refused_while_the_queued_are_accepted) {
  for (unsigned queues : {1u, 2u}) {
    ListenerSet listeners({any_port}, queues, 64);
    std::vector<Fd> queued = connect_many(listeners.addresses()[0], 20);
    expect_waiting(listeners, 20);
    listeners.refuse_newcomers();
    EXPECT_FALSE(connect_to(listeners.addresses()[0], std::chrono::milliseconds(300)));
    int accepted = 0;
    for (unsigned queue = 0; queue < queues; ++queue) accepted += drain(listeners.queue(queue)[0]);
    EXPECT_EQ(accepted, 20);
  }
}

TEST(ListenerSet, kept_addresses_are_shared_and_open_to_the_end) {
  test::TempDir dir;
  const std::string path = dir.path("s");
  for (const Address& kept : {any_port, Address::parse("unix:" + path)}) {
    ListenerSet listeners({any_port, kept}, 2, 16, 1);
    EXPECT_NE(listeners.queue(0)[0], listeners.queue(1)[0]);
    EXPECT_EQ(listeners.queue(0)[1], listeners.queue(1)[1]);
    listeners.refuse_newcomers();
    listeners.close();
    const Address& address = listeners.addresses()[1];
    Fd client(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), address.get(), address.length()), 0);
    EXPECT_EQ(accept_connection(listeners.queue(1)[1], false).outcome, Accepted::Outcome::connection);
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0) << "its name is left behind";
}

TEST(ListenerSet, queued_bytes_survive_the_refusal_of_newcomers) {
  ListenerSet listeners({any_port}, 1, 16);
  Fd client = connect_to(listeners.addresses()[0]);
  expect_waiting(listeners, 1);
  listeners.refuse_newcomers();
  ASSERT_EQ(send(client.get(), "hello", 5, MSG_NOSIGNAL), 5);
  Accepted accepted = accept_connection(listeners.queue(0)[0], true);
  ASSERT_EQ(accepted.outcome, Accepted::Outcome::connection);
  listeners.close();
  char bytes[5];
  EXPECT_EQ(recv(accepted.fd.get(), bytes, sizeof bytes, MSG_WAITALL), 5);
}

TEST(ListenerSet, steers_newcomers_to_the_living) {
  ListenerSet listeners({any_port}, 3, 256);
  auto shares = [&] {
    std::vector<Fd> clients = connect_many(listeners.addresses()[0], 90);
    expect_waiting(listeners, 90);
    std::vector<int> counts;
    for (unsigned queue = 0; queue < 3; ++queue) counts.push_back(drain(listeners.queue(queue)[0]));
    return counts;
  };
  listeners.steer_to({false, true, false});
  EXPECT_EQ(shares(), (std::vector{0, 90, 0}));
  listeners.steer_to({true, false, true});
  std::vector<int> two = shares();
  EXPECT_EQ(two[1], 0);
  EXPECT_GT(two[0], 0);
  EXPECT_GT(two[2], 0);
  listeners.steer_to({true, true, true});
  for (int share : shares()) EXPECT_GT(share, 0);
}

TEST(ListenerSet, a_stale_unix_socket_is_replaced_and_a_living_one_is_not) {
  test::TempDir dir;
  Address address = Address::parse("unix:" + dir.path("s"));
  {
    Fd killed(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(killed.get(), address.get(), address.length()), 0);
  }
  ASSERT_EQ(access(address.unix_path().c_str(), F_OK), 0) << "its file stays";
  {
    ListenerSet listeners({address}, 1, 16);
    EXPECT_TRUE(connect_to(address));
    EXPECT_THROW(ListenerSet({address}, 1, 16), std::system_error);
    EXPECT_TRUE(connect_to(address)) << "who was there goes on";
    EXPECT_EQ(accept_connection(listeners.queue(0)[0], false).peer.family, Peer::Family::local);
  }
  EXPECT_NE(access(address.unix_path().c_str(), F_OK), 0) << "it is removed in the end";
}

TEST(ListenerSet, a_file_that_is_no_socket_is_never_removed) {
  test::TempDir dir;
  std::string path = dir.write("precious", "data");
  EXPECT_THROW(ListenerSet({Address::parse("unix:" + path)}, 1, 16), std::system_error);
  EXPECT_EQ(test::read_file(path), "data");
}

TEST(ListenerSet, a_child_leaves_its_parents_unix_socket_alone) {
  test::TempDir dir;
  Address address = Address::parse("unix:" + dir.path("s"));
  auto listeners = std::make_unique<ListenerSet>(std::vector{address}, 1, 16);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    listeners.reset();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(connect_to(address));
}

TEST(AcceptConnection, descriptors_that_run_out_lose_nobody) {
  ListenerSet listeners({any_port}, 1, 16);
  Fd client = connect_to(listeners.addresses()[0]);
  expect_waiting(listeners, 1);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none{3, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  Accepted::Outcome outcome = accept_connection(listeners.queue(0)[0], false).outcome;
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(outcome, Accepted::Outcome::exhausted);
  EXPECT_EQ(accept_connection(listeners.queue(0)[0], false).outcome, Accepted::Outcome::connection);
}

TEST(AcceptConnection, blocking_or_not_as_asked) {
  ListenerSet listeners({any_port}, 1, 16);
  std::vector<Fd> clients = connect_many(listeners.addresses()[0], 2);
  expect_waiting(listeners, 2);
  for (bool blocking : {true, false}) {
    Accepted accepted = accept_connection(listeners.queue(0)[0], blocking);
    EXPECT_EQ((fcntl(accepted.fd.get(), F_GETFL) & O_NONBLOCK) == 0, blocking);
    EXPECT_NE(fcntl(accepted.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

}  // namespace
}  // namespace corelab
