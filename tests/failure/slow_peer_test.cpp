// Peers that take their time: to send a head, to send a body, to read an answer, to say anything at all.
// Deadlines are absolute, and nobody else waits.

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/stats.hpp"

namespace corelab::test {
namespace {

// Sends `bytes` one by one, so often that a deadline that each read renewed would never pass. Returns what
// ended it.
Reply trickle(Client& client, const std::string& bytes, Millis pause, Millis within) {
  const Deadline deadline = deadline_in(within);
  for (const char byte : bytes) {
    if (Clock::now() >= deadline || !client.send(std::string_view(&byte, 1)) || !client.stays_silent(pause))
      break;
  }
  return client.read_response(false, Millis(200));
}

using SlowPeer = CoreTest;

TEST_P(SlowPeer, head_sent_too_slowly_gets_408_or_a_close) {
  auto server = serve_with_workers(2, {"--head-timeout", "1"});
  Client client(server.address());
  Reply reply;
  const Millis took = time_of([&] {
    reply = trickle(client, get_request("/plaintext", "X-Slow: " + std::string(200, 'x') + "\r\n"),
                    Millis(100), Millis(5'000));
  });
  EXPECT_TRUE(reply.status() == 408 || reply.ended == Ended::closed) << reply.status() << " " << reply.detail;
  EXPECT_GE(took, Millis(700));
  EXPECT_LT(took, patient(Millis(4'000))) << "the deadline of the head moves with each byte";
}

TEST_P(SlowPeer, body_sent_too_slowly_gets_408) {
  auto server = serve_with_workers(2, {"--body-timeout", "1"});
  Client client(server.address());
  const std::string whole = post_request("/echo", std::string(200, 'x'));
  const size_t head_size = whole.find("\r\n\r\n") + 4;
  client.send(whole.substr(0, head_size));
  Reply reply;
  const Millis took =
      time_of([&] { reply = trickle(client, whole.substr(head_size), Millis(100), Millis(5'000)); });
  EXPECT_EQ(reply.status(), 408) << reply.detail;
  EXPECT_GE(took, Millis(700));
  EXPECT_LT(took, patient(Millis(4'000))) << "the deadline of the body moves with each byte";
}

// With a least rate a body, or an answer, has time by what has come of it.
TEST_P(SlowPeer, body_and_answer_may_take_their_time_at_a_least_rate) {
  auto server = serve_with_workers(2, {"--body-timeout", "0.5", "--body-rate", "100", "--write-timeout", "0.5", "--write-rate",
                                       "100000"});
  Client client(server.address());
  const std::string body(200, 'x');
  const std::string whole = post_request("/echo", body);
  client.send(whole.substr(0, whole.size() - body.size()));
  const Reply echo = trickle(client, body, Millis(5), Millis(5'000));
  EXPECT_EQ(echo.body(), body) << echo.detail;
  Client reader(server.address());
  reader.shrink_receive_buffer(64 * 1024);
  reader.send(get_request("/bytes?n=3000000"));
  for (size_t got = 0; got < 2'900'000; got += 100'000) {
    ASSERT_TRUE(reader.await_bytes(got)) << "reset after " << reader.received();
    std::this_thread::sleep_for(Millis(50));
  }
  EXPECT_EQ(reader.read_response().body().size(), 3'000'000u);
  // Slower than that is too slow.
  Client slow(server.address());
  slow.send(whole.substr(0, whole.size() - body.size()));
  EXPECT_EQ(trickle(slow, body, Millis(20), Millis(5'000)).status(), 408);
}

// A refusal is sent at once, and the client, which may look at nothing before it has sent all, has it in the end.
TEST_P(SlowPeer, body_over_the_limit_gets_its_413_however_slowly_it_comes) {
  auto server = serve_with_workers(2);
  Client client(server.address());
  ASSERT_TRUE(client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n"));
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(client.send(piece)) << "after " << i << " pieces";
    std::this_thread::sleep_for(Millis(80));
  }
  EXPECT_EQ(client.read_response().status(), 413);
}

TEST_P(SlowPeer, peer_that_never_reads_is_ended_by_the_write_timeout_while_others_are_served) {
  auto server = serve_with_workers(2, {"--write-timeout", "1"});
  constexpr size_t kSize = 16'777'216;
  Client greedy(server.address());
  greedy.shrink_receive_buffer(4096);
  greedy.send(get_request("/bytes?n=" + std::to_string(kSize)));
  std::this_thread::sleep_for(Millis(300));
  for (int i = 0; i < 5; ++i) {
    Reply other;
    const Millis took = time_of([&] { other = get(server.address(), "/plaintext"); });
    EXPECT_EQ(other.status(), 200) << other.detail;
    EXPECT_LT(took, patient(Millis(1'000)));
  }
  // Its own kernel may go on to deliver what was buffered: the server's side is what must be over.
  EXPECT_TRUE(eventually([&] { return open_connections(server.address()) == 1; }, Millis(4'000)))
      << "the connection outlives its write deadline";
  const Rest rest = greedy.read_rest(Millis(500));
  EXPECT_LT(rest.bytes.size(), kSize);
}

TEST_P(SlowPeer, peer_that_reads_slowly_but_steadily_still_falls_to_the_absolute_write_deadline) {
  auto server = serve_with_workers(2, {"--write-timeout", "1"});
  Client sipping(server.address());
  sipping.shrink_receive_buffer(4096);
  sipping.send(get_request("/bytes?n=16777216"));
  // At most some 8 KiB a sip and 20 sips a second: 16 MiB would take minutes.
  const auto start = Clock::now();
  bool over = false;
  while (!over && Clock::now() - start < patient(Millis(6'000))) {
    sipping.await_bytes(sipping.received() + 1, Millis(50));
    std::this_thread::sleep_for(Millis(50));
    over = open_connections(server.address()) == 1;
  }
  EXPECT_TRUE(over) << "each byte read renews the write deadline; " << sipping.received() << " bytes so far";
  EXPECT_LT(sipping.received(), 16'777'216u);
}

TEST_P(SlowPeer, idle_connection_is_closed_after_keep_alive) {
  auto server = serve_with_workers(2, {"--keep-alive", "1"});
  Client client(server.address());
  ASSERT_EQ(client.ask(get_request("/plaintext")).status(), 200);
  Rest rest;
  const Millis took = time_of([&] { rest = client.read_rest(); });
  EXPECT_EQ(rest.ended, Ended::closed) << name_of(rest.ended);
  EXPECT_EQ(rest.bytes, "");
  EXPECT_GE(took, Millis(700));
  EXPECT_LT(took, patient(Millis(4'000)));
}

// RFC 9112 section 2.2 has a server skip them ahead of a request; they are none.
TEST_P(SlowPeer, blank_lines_renew_no_deadline) {
  auto server = serve_with_workers(2, {"--keep-alive", "1", "--head-timeout", "1"});
  for (const bool has_asked : {false, true}) {
    for (const std::string line : {"\r\n", "\r"}) {
      Client client(server.address());
      if (has_asked) {
        ASSERT_EQ(client.ask(get_request("/plaintext")).status(), 200);
      }
      bool takes_more = true;
      const Millis took = time_of([&] {
        for (int i = 0; i < 100 && takes_more; ++i) {
          client.send(line == "\r" ? std::string_view(i % 2 == 0 ? "\r" : "\n") : std::string_view(line));
          std::this_thread::sleep_for(Millis(50));
          const Rest rest = client.read_rest(Millis(0));
          takes_more = rest.ended == Ended::timed_out;
        }
      });
      EXPECT_FALSE(takes_more);
      EXPECT_LT(took, patient(Millis(2'500)));
    }
  }
}

TEST_P(SlowPeer, lone_cr_holds_up_no_drain) {
  auto server = serve_with_workers(2);
  Client client(server.address());
  ASSERT_EQ(client.ask(get_request("/plaintext")).status(), 200);
  ASSERT_TRUE(client.send("\r"));
  std::this_thread::sleep_for(Millis(100));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(4'000)), 0) << server.errors();
}

TEST_P(SlowPeer, busy_connection_outlives_keep_alive) {
  auto server = serve_with_workers(2, {"--keep-alive", "1"});
  Client client(server.address());
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(client.ask(get_request("/plaintext")).status(), 200) << "request " << i;
    std::this_thread::sleep_for(Millis(300));
  }
}

TEST_P(SlowPeer, connection_that_never_says_anything_is_closed) {
  auto server = serve_with_workers(2, {"--keep-alive", "1", "--head-timeout", "1"});
  Client client(server.address());
  const Reply reply = client.read_response();
  EXPECT_TRUE(reply.ended == Ended::closed || reply.status() == 408) << reply.detail;
}

TEST_P(SlowPeer, handler_that_waits_past_the_request_deadline_gets_504) {
  auto server = serve_with_workers(2, {"--request-timeout", "0.3"});
  Reply reply;
  const Millis took = time_of([&] { reply = get(server.address(), "/sleep?ms=3000"); });
  EXPECT_EQ(reply.status(), 504) << reply.detail;
  EXPECT_GE(took, Millis(250));
  EXPECT_LT(took, patient(Millis(1'500)));
  EXPECT_EQ(get(server.address(), "/sleep?ms=20").status(), 200);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, SlowPeer, ::testing::ValuesIn(cores()), core_test_name);

}  // namespace
}  // namespace corelab::test
