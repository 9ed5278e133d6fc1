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
  session.begin({.limits = limits});
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
  session.begin({.limits = limits});
  session.feed("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond(text(std::string(large_body())));
  ASSERT_TRUE(session.has_output());
  session.end();
  session.begin({.limits = limits});
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

// Of a body that does not fit into memory, in pieces.
class FakeStore final : public BodyStore {
 public:
  bool append(std::string_view bytes) override {
    if (has_room) bytes_ += bytes;
    return has_room;
  }
  std::string_view view() override { return bytes_; }
  int file() const override { return 7; }
  static inline bool has_room = true;

 private:
  std::string bytes_;
};

// The statuses of one request, cut into pieces of `step` bytes, and where its body was.
std::vector<int> statuses_of(const std::string& request, std::size_t step, std::size_t buffer, std::string& seen, int& file) {
  Limits limits;
  limits.body_buffer = buffer;
  Session session;
  session.begin({.limits = limits,
                 .make_store = [] { return std::unique_ptr<BodyStore>(std::make_unique<FakeStore>()); }});
  session.set_date("now");
  std::vector<int> statuses;
  std::string_view left = request;
  for (;;) {
    switch (session.next()) {
      case Session::Want::read: {
        if (left.empty()) return statuses;
        std::size_t n = session.feed(left.substr(0, step));
        left.remove_prefix(n);
        break;
      }
      case Session::Want::handle:
        seen = session.request().body.rest();
        file = session.request().body.file();
        session.respond(fixed("x"));
        statuses.push_back(200);
        break;
      case Session::Want::write: session.sent(session.output().size()); break;
      default: statuses.push_back(session.take_refusal()); return statuses;
    }
  }
}

TEST(SessionLife, large_bodies_go_to_a_store_however_they_are_cut) {
  const std::string body = "a body of thirty bytes, or more";
  const std::string sized = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + body.substr(0, 5) + "\r\n1a\r\n" +
      body.substr(5) + "\r\n0\r\nX: y\r\n\r\n";
  for (const std::string& request : {sized, chunked}) {
    for (std::size_t step : {std::size_t{1}, std::size_t{7}, request.size()}) {
      for (std::size_t buffer : {std::size_t{0}, std::size_t{5}, std::size_t{30}, std::size_t{31}}) {
        std::string seen;
        int file = 0;
        EXPECT_EQ(statuses_of(request + request, step, buffer, seen, file), (std::vector<int>{200, 200}));
        EXPECT_EQ(seen, body) << step << " " << buffer;
        bool is_in_one_piece = step == request.size() && request == sized;
        EXPECT_EQ(file, buffer < body.size() && !is_in_one_piece ? 7 : -1) << step << " " << buffer;
      }
    }
  }
  FakeStore::has_room = false;
  std::string seen;
  int file = 0;
  EXPECT_EQ(statuses_of(sized, 7, 5, seen, file), (std::vector<int>{503}));
  EXPECT_EQ(statuses_of(chunked, 7, 5, seen, file), (std::vector<int>{503}));
  FakeStore::has_room = true;
}

}  // namespace
}  // namespace corelab::test
