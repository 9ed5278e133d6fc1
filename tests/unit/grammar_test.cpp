#include "common/http/grammar.hpp"

#include <gtest/gtest.h>

namespace corelab::grammar {
namespace {

TEST(Grammar, token) {
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const char* text :
       {"", "a b", "a:b", "a(b", "\"a\"", "a\xe9", "a\x7f", "a,b", "a/b", "a@b", "a[b", "a{b"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
}

TEST(Grammar, port) {
  EXPECT_TRUE(is_port(""));
  EXPECT_TRUE(is_port("0"));
  EXPECT_TRUE(is_port("65535"));
  EXPECT_TRUE(is_port("000080"));
  for (const char* text : {"65536", "4294967376", "99999999999999999999", "-1", "8x"})
    EXPECT_FALSE(is_port(text)) << text;
}

TEST(Grammar, authority) {
  for (const char* text :
       {"h", "h:", "h:80", "127.0.0.1:80", "[::1]", "[::1]:80", "a-b_c.d~e", "a%20b", "[::ffff:1.2.3.4]"}) {
    EXPECT_TRUE(is_authority(text)) << text;
  }
  for (const char* text :
       {"", ":80", "h:80:80", "[]", "[::1", "[::1]x", "[g::1]", "a%2", "a%zz", "u@h", "a b", "h:x"}) {
    EXPECT_FALSE(is_authority(text)) << text;
  }
}

TEST(Grammar, hexadecimal) {
  EXPECT_EQ(hex_value('0'), 0);
  EXPECT_EQ(hex_value('a'), 10);
  EXPECT_EQ(hex_value('F'), 15);
  EXPECT_FALSE(is_hex('g'));
}

}  // namespace
}  // namespace corelab::grammar
