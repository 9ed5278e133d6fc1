// A session from connection to connection: phases, idleness, refusals, half-close, reuse.

#include <gtest/gtest.h>

#include "common/http/self_test.hpp"
#include "tests/unit/answers.hpp"
#include "tests/unit/in_memory_connection.hpp"

namespace corelab::test {
namespace {

const std::string get = "GET /show HTTP/1.1\r\nHost: h\r\n\r\n";
using Phase = Session::Phase;

TEST(SessionLife, the_parser_is_a_strict_one) { EXPECT_NO_THROW(check_parser()); }

TEST(SessionLife, phases_say_which_deadline_runs) {
  InMemoryConnection connection(answer);
  Session& session = connection.session();
  EXPECT_EQ(session.phase(), Phase::idle);
  connection.send("POST /echo HT");
  EXPECT_EQ(session.phase(), Phase::head);
  connection.send("TP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(session.phase(), Phase::body);
  connection.send("1\r\na\r\n0\r\n");
  EXPECT_EQ(session.phase(), Phase::body) << "the trailers";
  connection.send("\r\n");
  EXPECT_EQ(session.phase(), Phase::idle);
}

TEST(SessionLife, idle_means_nothing_would_be_lost) {
  InMemoryConnection connection(answer);
  Session& session = connection.session();
  EXPECT_TRUE(session.idle());
  connection.send("G");
  EXPECT_FALSE(session.idle());
  connection.send(get.substr(1));
  EXPECT_TRUE(session.idle());
  connection.send("\r\n");
  EXPECT_TRUE(session.idle()) << "an empty line ahead of a request is no request";
  connection.send("\r");
  EXPECT_FALSE(session.idle()) << "half of one must not get lost";
}

TEST(SessionLife, is_not_idle_while_it_owes_an_answer) {
  Limits limits;
  Session session;
  session.begin(limits);
  session.feed(get);
  ASSERT_EQ(session.next(), Session::Want::handle);
  EXPECT_FALSE(session.idle());
  session.respond(fixed("x"));
  EXPECT_FALSE(session.idle());
  ASSERT_EQ(session.next(), Session::Want::write);
  session.sent(session.output().size());
  ASSERT_EQ(session.next(), Session::Want::read);
  EXPECT_TRUE(session.idle());
}

TEST(SessionLife, refuses_what_came_too_late) {
  InMemoryConnection connection(answer);
  connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  connection.session().refuse({408, "too late"});
  EXPECT_TRUE(connection.session().lingers());
  connection.half_close();  // runs the driver again
  EXPECT_TRUE(connection.closed());
  EXPECT_FALSE(connection.session().lingers()) << "the client sends no more";
  EXPECT_TRUE(connection.output().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_NE(connection.output().find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_TRUE(connection.output().ends_with("\r\n\r\ntoo late\n"));
}

TEST(SessionLife, half_close_is_still_answered) {
  InMemoryConnection connection(answer);
  Session& session = connection.session();
  session.feed(get + get);
  connection.half_close();
  EXPECT_EQ(connection.requests(), 2u);
  EXPECT_TRUE(connection.closed());
}

TEST(SessionLife, half_close_in_mid_request_ends_quietly) {
  for (std::size_t at = 0; at < get.size(); ++at) {
    InMemoryConnection connection(answer);
    connection.send(get + get.substr(0, at));
    std::string before = connection.output();
    connection.half_close();
    EXPECT_TRUE(connection.closed());
    EXPECT_EQ(connection.requests(), 1u);
    EXPECT_EQ(connection.output(), before) << at;
  }
}

TEST(SessionLife, half_close_while_a_body_is_streamed) {
  InMemoryConnection connection(answer);
  connection.session().feed("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  connection.half_close();
  EXPECT_TRUE(connection.output().ends_with(large_body()));
}

TEST(SessionLife, a_new_connection_finds_nothing_of_the_last) {
  const std::vector<std::string> pasts = {
      "",
      "GET /pl",
      "\r",
      "HEAD /plain HTTP/1.1\r\nHost: h\r\n",
      "POST /echo HTTP/1.1\r\nHost: secret\r\nContent-Length: 10\r\n\r\nsecret",
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsec",
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y",
      "GET /plain HTTP/1.0\r\n\r\n",
      "BREW / HTTP/1.1\r\n\r\n",
      "GET /short HTTP/1.1\r\nHost: h\r\n\r\n",
      get + get,
  };
  InMemoryConnection fresh(answer);
  fresh.send(get);
  InMemoryConnection used(answer);
  for (const std::string& past : pasts) {
    used.send(past);
    used.begin_again();
    EXPECT_TRUE(used.session().idle()) << past;
    EXPECT_EQ(used.session().phase(), Phase::idle);
    EXPECT_FALSE(used.session().lingers());
    EXPECT_FALSE(used.session().has_output());
    used.send(get, bytewise);
    EXPECT_EQ(used.output(), fresh.output()) << "behind: " << past;
    EXPECT_FALSE(used.closed());
    used.begin_again();
  }
}

TEST(SessionLife, a_new_connection_gets_no_unsent_output) {
  Limits limits;
  Session session;
  session.begin(limits);
  session.feed("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond(text(std::string(large_body())));
  ASSERT_TRUE(session.has_output());
  session.begin(limits);
  EXPECT_FALSE(session.has_output());
  EXPECT_EQ(session.next(), Session::Want::read);
}

TEST(SessionLife, a_new_connection_may_have_larger_limits) {
  Limits large;
  large.head = 200'000;
  InMemoryConnection connection(answer);
  connection.begin_again(large);
  connection.send("GET /plain HTTP/1.1\r\nHost: h\r\nX: " + std::string(150'000, 'x') + "\r\n\r\n",
                  {1000, 1000});
  EXPECT_TRUE(connection.output().starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace corelab::test
