// How the session sends answers: sources, large bodies, and the bounds of what gathers.

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/answers.hpp"
#include "tests/unit/in_memory_connection.hpp"

namespace corelab::test {
namespace {

std::string get(const std::string& path, const std::string& version = "1.1") {
  return "GET " + path + " HTTP/" + version + "\r\nHost: h\r\n\r\n";
}
bool ends_with(const InMemoryConnection& connection, std::string_view text) {
  return std::string_view(connection.output()).ends_with(text);
}
bool holds(const InMemoryConnection& connection, std::string_view text) {
  return connection.output().find(text) != std::string::npos;
}

TEST(SessionAnswer, source_of_unknown_length_goes_out_chunked) {
  InMemoryConnection connection(answer);
  connection.send(get("/chunked"));
  EXPECT_TRUE(holds(connection, "\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(ends_with(connection, "\r\n\r\n000003\r\nabc\r\n000004\r\ndefg\r\n0\r\n\r\n"))
      << connection.output();
  EXPECT_FALSE(connection.closed());
}

TEST(SessionAnswer, source_of_known_length_needs_no_chunks) {
  InMemoryConnection connection(answer);
  connection.send(get("/sized"));
  EXPECT_TRUE(holds(connection, "\r\nContent-Length: 7\r\n"));
  EXPECT_TRUE(ends_with(connection, "\r\n\r\nabcdefg"));
  EXPECT_FALSE(connection.closed());
}

TEST(SessionAnswer, source_to_http_1_0_ends_with_the_connection) {
  InMemoryConnection connection(answer);
  connection.send("GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(holds(connection, "Transfer-Encoding"));
  EXPECT_TRUE(holds(connection, "\r\nConnection: close\r\n"));
  EXPECT_TRUE(ends_with(connection, "\r\n\r\nabcdefg"));
  EXPECT_TRUE(connection.closed());
}

TEST(SessionAnswer, source_that_fails_leaves_the_answer_short) {
  for (const char* path : {"/throws", "/short"}) {
    InMemoryConnection connection(answer);
    connection.send(get(path) + get("/plain"));
    EXPECT_TRUE(connection.closed()) << path;
    EXPECT_FALSE(connection.session().lingers()) << "a gentle close would look like the end";
    EXPECT_TRUE(ends_with(connection, "\r\n\r\nabc")) << path;
    EXPECT_EQ(connection.requests(), 1u);
  }
  InMemoryConnection chunked(answer);
  chunked.send(get("/throws-chunked"));
  EXPECT_TRUE(chunked.closed());
  EXPECT_TRUE(ends_with(chunked, "000003\r\nabc\r\n")) << "no last chunk: " << chunked.output();
}

TEST(SessionAnswer, source_that_gives_too_much_is_cut_at_its_length) {
  InMemoryConnection connection([](const Request&) {
    return Response(200, plain_text,
                    std::make_unique<PiecesSource>(std::vector<std::string>{"abcd", "ef"}, 5));
  });
  connection.send(get("/") + get("/"));
  EXPECT_EQ(connection.requests(), 2u);
  EXPECT_TRUE(ends_with(connection, "\r\n\r\nabcde"));
}

struct BlockingPieces final : BodySource {
  explicit BlockingPieces(const InMemoryConnection*& client, bool fails = false) : client_(client), fails_(fails) {}
  bool blocks() const override { return true; }
  std::size_t pull(std::span<char> into) override {
    EXPECT_FALSE(const_cast<InMemoryConnection*>(client_)->session().has_output()) << "what is owed is sent first";
    if (pulls_ == 3) return 0;
    if (fails_ && pulls_ == 2) throw std::runtime_error("no more");
    into[0] = static_cast<char>('a' + pulls_++);
    return 1;
  }
  const InMemoryConnection*& client_;
  bool fails_;
  int pulls_ = 0;
};

TEST(SessionAnswer, each_piece_of_a_source_that_blocks_is_sent_before_the_next_is_pulled) {
  const InMemoryConnection* client = nullptr;
  InMemoryConnection connection(
      [&](const Request&) { return Response(200, plain_text, std::make_unique<BlockingPieces>(client)); });
  client = &connection;
  connection.send(get("/") + get("/"));
  EXPECT_EQ(connection.requests(), 2u);
  EXPECT_TRUE(ends_with(connection, "000001\r\na\r\n000001\r\nb\r\n000001\r\nc\r\n0\r\n\r\n")) << connection.output();
  EXPECT_GE(connection.writes(), 8u);
}

TEST(SessionAnswer, a_source_that_blocks_and_fails_leaves_the_answer_short) {
  const InMemoryConnection* client = nullptr;
  InMemoryConnection connection(
      [&](const Request&) { return Response(200, plain_text, std::make_unique<BlockingPieces>(client, true)); });
  client = &connection;
  connection.send(get("/") + get("/"));
  EXPECT_TRUE(connection.closed());
  EXPECT_TRUE(ends_with(connection, "000001\r\nb\r\n")) << connection.output();
}

TEST(SessionAnswer, a_reason_of_its_own_is_sent) {
  InMemoryConnection connection([](const Request&) { return std::move(text("x").reason("Fine")); });
  connection.send(get("/"));
  EXPECT_TRUE(connection.output().starts_with("HTTP/1.1 200 Fine\r\n")) << connection.output();
  EXPECT_THROW(text("x").reason("a\r\nb"), std::invalid_argument);
}

TEST(SessionAnswer, large_bodies_are_sent_from_where_they_are) {
  Limits limits;
  Session session;
  session.begin({.limits = limits});
  session.feed(get("/large-view"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond({200, plain_text, std::string_view(large_body())});
  ASSERT_EQ(session.next(), Session::Want::write);
  EXPECT_EQ(session.output().second.data(), large_body().data());
  EXPECT_EQ(session.output().second.size(), large_body().size());

  std::string owned = large_body();
  const char* before = owned.data();
  session.begin({.limits = limits});
  session.feed(get("/large"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond(text(std::move(owned)));
  ASSERT_EQ(session.next(), Session::Want::write);
  EXPECT_EQ(session.output().second.data(), before) << "moved, not copied";
  session.sent(session.output().first.size() + 10);
  EXPECT_EQ(session.output().second, std::string_view(large_body()).substr(10));
}

TEST(SessionAnswer, what_gathers_is_bounded_in_bytes) {
  Limits limits;
  limits.output = 1000;
  InMemoryConnection connection(answer, limits);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get("/plain");
  connection.send(requests);
  EXPECT_EQ(connection.requests(), 100u);
  EXPECT_LT(connection.most_gathered(), 1000u + 200u) << "the limit and one answer";
  EXPECT_GT(connection.writes(), 10u);
}

TEST(SessionAnswer, what_gathers_is_bounded_in_answers) {
  Limits limits;
  limits.pipeline = 5;
  InMemoryConnection connection(answer, limits);
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += get("/plain");
  connection.send(requests);
  EXPECT_EQ(connection.requests(), 20u);
  EXPECT_EQ(connection.writes(), 4u);
}

TEST(SessionAnswer, nothing_is_handled_while_the_output_is_full) {
  Limits limits;
  limits.pipeline = 1;
  Session session;
  session.begin({.limits = limits});
  session.feed(get("/plain") + get("/plain"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond(fixed("a"));
  ASSERT_EQ(session.next(), Session::Want::write);
  session.sent(session.output().size() - 1);
  ASSERT_EQ(session.next(), Session::Want::write) << "the peer has not taken all of it";
  session.sent(1);
  EXPECT_EQ(session.next(), Session::Want::handle);
}

TEST(SessionAnswer, a_source_is_not_pulled_ahead_of_its_reader) {
  struct Endless final : BodySource {
    explicit Endless(std::size_t& count) : pulled(count) {}
    std::size_t pull(std::span<char> into) override {
      std::fill(into.begin(), into.end(), 'x');
      pulled += into.size();
      return into.size();
    }
    std::size_t& pulled;
  };
  std::size_t pulled = 0;
  Limits limits;
  Session session;
  session.begin({.limits = limits});
  session.feed(get("/"));
  ASSERT_EQ(session.next(), Session::Want::handle);
  session.respond({200, plain_text, std::make_unique<Endless>(pulled)});
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(session.next(), Session::Want::write);
  EXPECT_LE(pulled, 128u * 1024);
}

}  // namespace
}  // namespace corelab::test
