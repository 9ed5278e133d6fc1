// Peers that leave: in the middle of an answer, while their handler waits, or by half.

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/stats.hpp"

namespace corelab::test {
namespace {

// Nothing of those who left remains; the one connection is the asking one.
void expect_nothing_left(const ServerProcess& server, Millis within = Millis(5'000)) {
  EXPECT_TRUE(eventually([&] { return open_connections(server.address()) == 1; }, within))
      << open_connections(server.address()) << " connections are still open, the asking one included";
}

void expect_well(const ServerProcess& server) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(get(server.address(), "/plaintext").status(), 200) << server.errors();
}

using DepartingPeer = CoreTest;

TEST_P(DepartingPeer, reset_in_the_middle_of_a_response_is_survived) {
  auto server = serve_with_workers(2);
  for (int i = 0; i < 20; ++i) {
    Client client(server.address());
    client.send(get_request("/bytes?n=16777216"));
    ASSERT_TRUE(client.await_bytes(1000));
    client.reset();
  }
  expect_well(server);
  expect_nothing_left(server);
}

TEST_P(DepartingPeer, close_in_the_middle_of_a_request_is_survived) {
  auto server = serve_with_workers(2);
  const std::string request = post_request("/echo", "hello");
  for (const size_t sent :
       {size_t{0}, size_t{1}, size_t{20}, request.size() - 7, request.size() - 2, request.size()})
    for (const bool rudely : {false, true})
      // At once: the connection may already be over when it is accepted. Later: while its bytes are awaited.
      for (const Millis later : {Millis(0), Millis(20)}) {
        SCOPED_TRACE(std::to_string(sent) + " bytes, then " + (rudely ? "RST" : "FIN") + " after " +
                     std::to_string(later.count()) + " ms");
        Client client(server.address());
        client.send(request.substr(0, sent));
        std::this_thread::sleep_for(later);
        rudely ? client.reset() : client.close();
        expect_nothing_left(server, Millis(3'000));
        if (HasFailure()) return;
      }
  expect_well(server);
}

TEST_P(DepartingPeer, reset_behind_pipelined_requests_is_survived) {
  auto server = serve_with_workers(2);
  std::string many;
  for (int i = 0; i < 50; ++i) many += get_request("/bytes?n=100000");
  for (int i = 0; i < 5; ++i) {
    Client client(server.address());
    client.send(many);
    ASSERT_TRUE(client.await_bytes(1));
    client.reset();
  }
  expect_well(server);
}

TEST_P(DepartingPeer, client_that_leaves_while_its_handler_waits_leaves_nothing_behind) {
  auto server = serve_with_workers(2);
  for (const std::string target : {"/sleep?ms=500", "/offload?ms=300", "/block?ms=50"}) {
    std::vector<Client> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back(server.address());
      clients.back().send(get_request(target));
    }
    std::this_thread::sleep_for(Millis(50));
    for (auto& client : clients) client.reset();
  }
  expect_well(server);
  expect_nothing_left(server, Millis(8'000));
}

TEST_P(DepartingPeer, half_close_while_the_handler_waits_is_still_answered) {
  auto server = serve_with_workers(2);
  Client client(server.address());
  client.send(get_request("/sleep?ms=300") + get_request("/json"));
  client.half_close();
  EXPECT_EQ(client.read_response().status(), 200);
  EXPECT_EQ(client.read_response().body(), R"({"message":"Hello, World!"})");
  EXPECT_EQ(client.read_rest().ended, Ended::closed);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, DepartingPeer, ::testing::ValuesIn(cores()), core_test_name);

using DepartingPeerOnALoop = CoreTest;

// A loop sees the disconnection and cancels the wait; a blocked thread may find out behind it.
TEST_P(DepartingPeerOnALoop, waiting_handler_is_cancelled_when_its_client_is_gone) {
  auto server = serve_with_workers(1);
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server.address());
    clients.back().send(get_request("/sleep?ms=20000"));
  }
  ASSERT_TRUE(eventually([&] { return open_connections(server.address()) == 9; }, Millis(3'000)));
  for (auto& client : clients) client.reset();
  expect_nothing_left(server, Millis(3'000));
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DepartingPeerOnALoop);  // where no such core is built
// Bytes that come behind the last request, when it may have been answered already: an old client's CRLF, a request that was
// pipelined. Whoever closes with them unread resets the connection, and what was not delivered yet is lost.
TEST_P(DepartingPeer, answer_survives_what_is_sent_behind_the_last_request) {
  auto server = serve_with_workers(2, holding(core()));
  for (const std::string& behind : {std::string("\r\n"), get_request("/plaintext")}) {
    for (const Millis later : {Millis(0), Millis(1), Millis(20)}) {
      SCOPED_TRACE(std::to_string(behind.size()) + " bytes after " + std::to_string(later.count()) + " ms");
      for (int i = 0; i < 5; ++i) {
        Client client(server.address());
        ASSERT_TRUE(client.send(get_request("/bytes?n=200000", "Connection: close\r\n")));
        std::this_thread::sleep_for(later);
        client.send(behind);
        std::this_thread::sleep_for(Millis(5));
        const Reply reply = client.read_response();
        ASSERT_EQ(reply.status(), 200) << reply.detail;
        ASSERT_EQ(reply.body().size(), 200'000u);
        EXPECT_EQ(client.read_rest().ended, Ended::closed);
      }
    }
  }
}

// Nobody needs to close for it: it has its end, and the server its descriptor back, within lingering.hpp's patience.
TEST_P(DepartingPeer, who_does_not_close_behind_the_last_answer_is_let_go) {
  auto server = serve_with_workers(2);
  Client client(server.address());
  ASSERT_EQ(client.ask(get_request("/plaintext", "Connection: close\r\n")).status(), 200);
  EXPECT_EQ(client.read_rest().ended, Ended::closed);
  expect_nothing_left(server, Millis(8'000));
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
}

INSTANTIATE_TEST_SUITE_P(EventedCores, DepartingPeerOnALoop,
                         ::testing::ValuesIn(cores_where([](const Core& core) { return core.evented(); })),
                         core_test_name);

}  // namespace
}  // namespace corelab::test
