#include "common/http/message.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace corelab {
namespace {

using namespace std::string_literals;

TEST(Response, no_header_can_split_it) {
  Response response = text("x");
  for (const std::string& value : {"a\rb"s, "a\nb"s, "a\r\nSet-Cookie: b"s, "a\0b"s}) {
    EXPECT_THROW(response.header("X", value), std::invalid_argument);
  }
  for (const std::string& name : {""s, "a b"s, "a:"s, "a\r\n"s, "a\0b"s, "\xe9"s}) {
    EXPECT_THROW(response.header(name, "x"), std::invalid_argument) << name;
  }
  EXPECT_TRUE(response.headers().empty());
}

TEST(Response, framing_is_the_sessions_own) {
  Response response;
  for (const char* name : {"Content-Length", "content-length", "TRANSFER-ENCODING", "Connection", "Date",
                           "Server"}) {
    EXPECT_THROW(response.header(name, "1"), std::invalid_argument) << name;
  }
}

TEST(Response, a_content_type_replaces_the_given_one) {
  Response response = text("x");
  response.header("content-type", "text/css").header("X", "y");
  EXPECT_EQ(response.content_type(), "");
  ASSERT_EQ(response.headers().size(), 2u);
  EXPECT_EQ(response.headers()[0].second, "text/css");
}

TEST(Response, fixed_refers_to_its_literal_and_text_owns_its_bytes) {
  EXPECT_TRUE(std::holds_alternative<std::string_view>(fixed("x").body()));
  EXPECT_TRUE(std::holds_alternative<std::string>(text("x").body()));
  EXPECT_EQ(text("x", 404).status(), 404);
  EXPECT_TRUE(Response().close().closes());
}

TEST(BodyReader, reads_from_front_to_back) {
  BodyReader body("hello");
  std::array<char, 3> piece;
  EXPECT_EQ(body.read(piece), 3u);
  EXPECT_EQ(std::string_view(piece.data(), 3), "hel");
  EXPECT_EQ(body.read(piece), 2u);
  EXPECT_EQ(std::string_view(piece.data(), 2), "lo");
  EXPECT_EQ(body.read(piece), 0u);
  EXPECT_EQ(body.size(), 5u);
  BodyReader other("hello");
  other.read({piece.data(), 1});
  EXPECT_EQ(other.rest(), "ello");
  EXPECT_EQ(other.rest(), "");
  EXPECT_EQ(other.read(piece), 0u);
}

TEST(BodyReader, an_empty_one_is_at_its_end) {
  std::array<char, 3> piece;
  EXPECT_EQ(BodyReader().read(piece), 0u);
  EXPECT_EQ(BodyReader().size(), 0u);
}

TEST(Request, header_ignores_case_and_takes_the_first) {
  std::array<Field, 3> fields = {{{"A", "1"}, {"Content-Type", "x"}, {"a", "2"}}};
  Request request;
  request.fields = fields;
  EXPECT_EQ(request.header("a"), "1");
  EXPECT_EQ(request.header("content-TYPE"), "x");
  EXPECT_FALSE(request.header("b"));
}

TEST(Peer, prints_as_remote_addr) {
  Peer peer;
  EXPECT_EQ(peer.address(), "-");
  peer.family = Peer::Family::local;
  EXPECT_EQ(peer.address(), "unix");
  peer.family = Peer::Family::ipv4;
  inet_pton(AF_INET, "127.0.0.1", peer.bytes);
  EXPECT_EQ(peer.address(), "127.0.0.1");
  peer.family = Peer::Family::ipv6;
  inet_pton(AF_INET6, "2001:db8::1", peer.bytes);
  EXPECT_EQ(peer.address(), "2001:db8::1");
}

TEST(ReasonPhrase, is_never_empty) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(418), "Unknown");
  for (int status = 100; status < 600; ++status) EXPECT_FALSE(reason_phrase(status).empty());
}

}  // namespace
}  // namespace corelab
