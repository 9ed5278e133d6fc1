// What the session makes of requests: framing, keep-alive, pipelining, limits, Expect.

#include <gtest/gtest.h>

#include "tests/support/http_response.hpp"
#include "tests/unit/answers.hpp"
#include "tests/unit/in_memory_connection.hpp"

namespace corelab::test {
namespace {

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
std::string post(const std::string& target, const std::string& fields, const std::string& body) {
  return "POST " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return post("/echo", "Transfer-Encoding: chunked\r\n", body); }

/// The responses in `output`, all of it; heads[i] says that the i-th answers a HEAD.
std::vector<HttpResponse> responses(const InMemoryConnection& connection, std::vector<bool> heads = {}) {
  std::vector<HttpResponse> found;
  std::string_view rest = connection.output();
  while (!rest.empty()) {
    bool to_head = found.size() < heads.size() && heads[found.size()];
    ParsedResponse parsed = parse_response(rest, to_head, connection.closed());
    if (parsed.state != ParseState::complete) {
      ADD_FAILURE() << "not a response: " << parsed.problem << "\n" << rest;
      break;
    }
    rest.remove_prefix(parsed.response.raw.size());
    found.push_back(parsed.response);
  }
  return found;
}

/// The one response to `bytes`.
HttpResponse only_response(const std::string& bytes, const Limits& limits = {}) {
  InMemoryConnection connection(answer, limits);
  connection.send(bytes);
  std::vector<HttpResponse> all = responses(connection);
  EXPECT_EQ(all.size(), 1u) << connection.output();
  return all.empty() ? HttpResponse{} : all[0];
}

int refusal(const std::string& bytes, const Limits& limits = {}) {
  InMemoryConnection connection(answer, limits);
  connection.send(bytes);
  std::vector<HttpResponse> all = responses(connection);
  EXPECT_TRUE(connection.closed());
  EXPECT_TRUE(connection.session().lingers());
  EXPECT_EQ(connection.requests(), 0u);
  if (all.size() != 1) return 0;
  EXPECT_TRUE(all[0].says_close());
  return all[0].status;
}

TEST(Session, answers_byte_for_byte) {
  InMemoryConnection connection(answer);
  connection.send(get("/plain"));
  EXPECT_EQ(connection.output(),
            "HTTP/1.1 200 OK\r\nServer: corelab\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\nHello, World!");
  EXPECT_FALSE(connection.closed());
}

TEST(Session, gives_the_handler_what_was_sent) {
  EXPECT_EQ(only_response(get("/show?a=1&b", "X: y\r\n")).body, "GET|/show|a=1&b|h|1.1|2|");
  EXPECT_EQ(only_response(post("/show", "Content-Length: 4\r\n", "body")).body, "POST|/show||h|1.1|2|body");
  EXPECT_EQ(only_response("GET http://other:80/show HTTP/1.1\r\nHost: h\r\n\r\n").body,
            "GET|/show||other:80|1.1|1|");
}

TEST(Session, answers_begin_as_it_was_set_up) {
  Limits limits;
  const std::string start = answer_start("mine");
  Session session;
  session.begin({.limits = limits, .answer_start = start});
  session.set_date("now");
  session.feed(get("/plain") + get("/plain") + "nonsense\r\n\r\n");
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond(fixed("a"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond({404, plain_text, std::string_view("b")});
  ASSERT_EQ(session.next(), Session::Want::write);
  const std::string output(session.output().first);
  EXPECT_TRUE(output.starts_with("HTTP/1.1 200 OK\r\nServer: mine\r\nDate: now\r\n")) << output;
  EXPECT_NE(output.find("HTTP/1.1 404 Not Found\r\nServer: mine\r\nDate: now\r\n"), output.npos) << output;
  EXPECT_NE(output.find("HTTP/1.1 400 Bad Request\r\nServer: mine\r\nDate: now\r\n"), output.npos) << output;
}

TEST(Session, a_name_that_cannot_stand_in_the_server_field_gives_way) {
  EXPECT_EQ(answer_start("corelab"), default_answer_start);
  EXPECT_EQ(answer_start("my_server-2.0"), "HTTP/1.1 200 OK\r\nServer: my_server-2.0\r\nDate: ");
  for (const std::string_view name : {"", "my server", "a/b", "a\r\nX: y", "caf\xc3\xa9", "(x)"})
    EXPECT_EQ(answer_start(name), default_answer_start) << name;
}

TEST(Session, request_views_hold_while_more_input_comes) {
  // A coroutine handler may wait long; the client pipelines meanwhile.
  Limits limits;
  Session session;
  session.begin({.limits = limits});
  session.feed(post("/show", "X: value\r\nContent-Length: 4\r\n", "body"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.feed(get("/plain") + get("/plain"));
  EXPECT_EQ(session.request().path, "/show");
  EXPECT_EQ(session.request().header("x"), "value");
  EXPECT_EQ(session.request().body.rest(), "body");
}

TEST(Session, pipelined_answers_come_in_order_and_in_one_write) {
  InMemoryConnection connection(answer);
  connection.send(get("/plain") + post("/echo", "Content-Length: 2\r\n", "ab") + get("/nosuch") +
                  chunked("1\r\nc\r\n0\r\n\r\n") + get("/show"));
  std::vector<HttpResponse> all = responses(connection);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].body, "Hello, World!");
  EXPECT_EQ(all[1].body, "ab");
  EXPECT_EQ(all[2].status, 404);
  EXPECT_EQ(all[3].body, "c");
  EXPECT_EQ(all[4].body, "GET|/show||h|1.1|1|");
  EXPECT_EQ(connection.writes(), 1u);
}

TEST(Session, head_is_answered_without_a_body) {
  InMemoryConnection connection(answer);
  connection.send(
      "HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\nHEAD /large HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD /sized HTTP/1.1\r\nHost: h\r\n\r\nHEAD /chunked HTTP/1.1\r\nHost: h\r\n\r\n" +
      get("/plain"));
  std::vector<HttpResponse> all = responses(connection, {true, true, true, true, false});
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(*all[0].header("content-length"), "13");
  EXPECT_EQ(*all[1].header("content-length"), std::to_string(large_body().size()));
  EXPECT_EQ(*all[2].header("content-length"), "7");
  EXPECT_EQ(*all[3].header("transfer-encoding"), "chunked");
  EXPECT_EQ(all[4].body, "Hello, World!");
}

TEST(Session, statuses_without_a_body_have_none) {
  InMemoryConnection connection(answer);
  connection.send(get("/none") + get("/unchanged") + get("/plain"));
  std::vector<HttpResponse> all = responses(connection);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].status, 204);
  EXPECT_EQ(all[0].header("content-length"), nullptr);
  EXPECT_EQ(all[1].status, 304);
  EXPECT_EQ(all[2].body, "Hello, World!");
}

TEST(Session, chunked_request_bodies_are_joined) {
  EXPECT_EQ(
      only_response(chunked("2\r\nhe\r\n3;name=value\r\nllo\r\n0;last\r\nX: trailer\r\nY: z\r\n\r\n")).body,
      "hello");
  EXPECT_EQ(only_response(chunked("0\r\n\r\n")).body, "");
}

TEST(Session, trailers_never_become_fields) {
  std::string request =
      post("/show", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\nHost: evil\r\nA: b\r\n\r\n");
  EXPECT_EQ(only_response(request).body, "POST|/show||h|1.1|2|x");
}

TEST(Session, long_bodies_pass_through_a_short_buffer) {
  std::string body(700'000, 'b');
  EXPECT_EQ(only_response(post("/echo", "Content-Length: 700000\r\n", body)).body, body);
  std::string chunks;
  for (int i = 0; i < 70; ++i) chunks += "2710\r\n" + std::string(10'000, 'c') + "\r\n";
  EXPECT_EQ(only_response(chunked(chunks + "0\r\n\r\n")).body, std::string(700'000, 'c'));
}

TEST(Session, http_1_0_closes_unless_asked) {
  InMemoryConnection closes(answer);
  closes.send("GET /plain HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(closes.closed());
  EXPECT_TRUE(closes.session().lingers()) << "an old client may send a CRLF behind its body";
  EXPECT_TRUE(responses(closes).at(0).says_close());

  InMemoryConnection stays(answer);
  stays.send("GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(stays.closed());
  EXPECT_EQ(*responses(stays).at(0).header("connection"), "keep-alive");
}

TEST(Session, connection_close_is_the_last_answer) {
  InMemoryConnection connection(answer);
  connection.send(get("/plain", "Connection: close\r\n") + get("/plain"));
  EXPECT_TRUE(connection.closed());
  EXPECT_EQ(connection.requests(), 1u);
  EXPECT_TRUE(responses(connection).at(0).says_close());
  EXPECT_TRUE(connection.session().lingers());
}

TEST(Session, handler_and_drain_can_end_the_connection) {
  InMemoryConnection closes(answer);
  closes.send(get("/close") + get("/plain"));
  EXPECT_TRUE(closes.closed());
  EXPECT_EQ(closes.requests(), 1u);
  EXPECT_TRUE(responses(closes).at(0).says_close());

  InMemoryConnection drains(answer);
  drains.send(get("/plain"));
  drains.drain();
  drains.send(get("/plain"));
  EXPECT_TRUE(drains.closed());
  EXPECT_TRUE(drains.session().lingers()) << "the client did not ask for it: a request may be on its way";
  EXPECT_FALSE(responses(drains).at(0).says_close());
  EXPECT_TRUE(responses(drains).at(1).says_close());
}

TEST(Session, limits_have_their_statuses) {
  Limits limits;
  limits.request_line = 40;
  limits.head = 200;
  limits.fields = 3;
  limits.body = 10;
  limits.chunk_overhead = 64;
  EXPECT_EQ(refusal(get("/" + std::string(40, 'a')), limits), 414);
  EXPECT_EQ(refusal("GET /" + std::string(40, 'a'), limits), 414);
  EXPECT_EQ(refusal(get("/plain", "X: " + std::string(200, 'a') + "\r\n"), limits), 431);
  EXPECT_EQ(refusal(get("/plain", "A: 1\r\nB: 2\r\nC: 3\r\n"), limits), 431);
  EXPECT_EQ(refusal(post("/echo", "Content-Length: 11\r\n", ""), limits), 413);
  EXPECT_EQ(refusal(chunked("5\r\nhello\r\n6\r\nworld!\r\n"), limits), 413);
  EXPECT_EQ(refusal(chunked("1;" + std::string(200, 'x') + "\r\n"), limits), 413);
  EXPECT_EQ(refusal(chunked("0\r\nX: " + std::string(64, 'x') + "\r\n\r\n"), limits), 431);
  EXPECT_EQ(only_response(get("/plain", "A: 1\r\nB: 2\r\n"), limits).status, 200);
  EXPECT_EQ(only_response(chunked("a\r\n0123456789\r\n0\r\n\r\n"), limits).status, 200);
}

TEST(Session, a_chunk_past_the_limit_is_refused_before_its_data) {
  Limits limits;
  limits.body = 10;
  EXPECT_EQ(refusal(chunked("b\r\n"), limits), 413);
  EXPECT_EQ(refusal(chunked("8\r\n12345678\r\n3\r\n"), limits), 413);
}

TEST(Session, expect_gets_100_only_while_the_body_is_awaited) {
  constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  std::string head = post("/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n", "");
  InMemoryConnection waits(answer);
  waits.send(head);
  EXPECT_EQ(waits.output(), go_on);
  waits.send("ab");
  EXPECT_EQ(responses(waits).at(1).body, "ab");

  InMemoryConnection does_not_wait(answer);
  does_not_wait.send(head + "ab");
  EXPECT_EQ(responses(does_not_wait).at(0).body, "ab");

  EXPECT_EQ(refusal(post("/echo", "Expect: more\r\nContent-Length: 2\r\n", "")), 417);
  EXPECT_EQ(only_response("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n").status,
            200);
}

TEST(Session, a_framing_error_ends_all) {
  InMemoryConnection connection(answer);
  connection.send(get("/plain") + "GET / HTTP/1.1\nHost: h\r\n\r\n" + get("/plain"));
  std::vector<HttpResponse> all = responses(connection);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].status, 200);
  EXPECT_EQ(all[1].status, 400);
  EXPECT_TRUE(all[1].says_close());
  EXPECT_TRUE(connection.closed());
  EXPECT_TRUE(connection.session().lingers());
}

TEST(Session, a_hopeless_request_line_is_refused_at_once) {
  EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n"), 505);
}

// Which of two mistakes is named must not depend on how TCP cut the bytes.
TEST(Session, the_first_of_two_mistakes_is_the_one_refused) {
  for (Cut cut : {whole, bytewise}) {
    InMemoryConnection line(answer);
    line.send("GET / HTTP/1.9\r\nX: bare\n\r\n", cut);
    EXPECT_EQ(responses(line).at(0).status, 505);

    InMemoryConnection head(answer);
    head.send("HEAD / HTTP/1.1\r\nX: bare\n\r\n", cut);
    EXPECT_EQ(responses(head, {true}).at(0).status, 400);

    Limits limits;
    limits.body = 4;
    InMemoryConnection body(answer, limits);
    body.send(chunked("5\r\nhello\r\nnonsense\r\n"), cut);
    EXPECT_EQ(responses(body).at(0).status, 413);
  }
}

TEST(Session, chunk_overhead_is_counted_alike_however_the_bytes_are_cut) {
  // A long extension ahead of many plain chunks, whose own allowance must not pay for it.
  Limits limits;
  limits.chunk_overhead = 64;
  std::string body = "1;" + std::string(100, 'x') + "\r\na\r\n";
  for (int i = 0; i < 20; ++i) body += "1\r\nb\r\n";
  for (Cut cut : {whole, bytewise}) {
    InMemoryConnection connection(answer, limits);
    connection.send(chunked(body + "0\r\n\r\n"), cut);
    EXPECT_EQ(responses(connection).at(0).status, 413);
  }
}

// --- Split at every byte ---

const std::vector<std::string>& table() {
  static const std::vector<std::string> requests = {
      get("/plain"),
      "\r\n\r\n" + get("/show?q=1", "A: b\r\n") + "\r\n" + get("/plain"),
      post("/echo", "Content-Length: 5\r\n", "hello") + get("/show"),
      chunked("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\n") + get("/plain"),
      "HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\n" + get("/none") + get("/unchanged") + get("/chunked"),
      get("/sized") + get("/chunked-empty") + get("/large") + get("/large-view") + get("/headers"),
      get("/short") + get("/plain"),
      get("/throws") + get("/plain"),
      "GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /chunked HTTP/1.0\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + get("http://x/show"),
      get("/close") + get("/plain"),
      get("/plain", "Connection: upgrade\r\nUpgrade: x\r\n") + get("/plain"),
      get("/plain") + "GET /plain HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
      get("/plain") + "BREW /plain HTTP/1.1\r\nHost: h\r\n\r\n",
      chunked("5\r\nhello\n0\r\n\r\n") + get("/plain"),
      chunked("zz\r\nhello\r\n0\r\n\r\n"),
      chunked("1\r\na\r\n0\r\nbad\n\r\n"),
      post("/echo", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "hello"),
      "GET /plain HTTP/1.1\r\n\r\n",
      std::string("\0\1\2\r\n\r\n", 7),
  };
  return requests;
}

TEST(Session, one_cut_anywhere_changes_nothing) {
  for (const std::string& bytes : table()) {
    InMemoryConnection uncut(answer);
    uncut.send(bytes);
    for (std::size_t at = 1; at < bytes.size(); ++at) {
      InMemoryConnection cut(answer);
      cut.send(bytes, {at, Cut::all});
      EXPECT_EQ(cut.output(), uncut.output()) << "cut at " << at << ": " << bytes;
      EXPECT_EQ(cut.closed(), uncut.closed()) << "cut at " << at << ": " << bytes;
    }
  }
}

TEST(Session, small_pieces_and_small_writes_change_nothing) {
  for (const std::string& bytes : table()) {
    InMemoryConnection uncut(answer);
    uncut.send(bytes);
    for (Cut cut : {bytewise, Cut{2, 3}, Cut{Cut::all, Cut::all, 1}, Cut{5, 7, 1000}}) {
      InMemoryConnection connection(answer);
      connection.send(bytes, cut);
      EXPECT_EQ(connection.output(), uncut.output()) << bytes;
      EXPECT_EQ(connection.closed(), uncut.closed()) << bytes;
    }
  }
}

}  // namespace
}  // namespace corelab::test
