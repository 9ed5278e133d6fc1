#include "common/http/head_scanner.hpp"

#include <gtest/gtest.h>

#include <string>

namespace corelab {
namespace {

const std::string head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

int status_of(const std::string& bytes, Limits limits = {},
              HeadScanner::What what = HeadScanner::What::head) {
  int at_once = HeadScanner(what).scan(bytes, limits).status;
  HeadScanner scanner(what);
  int bytewise = 0;
  for (std::size_t n = 1; n <= bytes.size() && bytewise == 0 && !scanner.complete(); ++n) {
    bytewise = scanner.scan(std::string_view(bytes).substr(0, n), limits).status;
  }
  EXPECT_EQ(at_once, bytewise) << bytes;
  return at_once;
}

TEST(HeadScanner, finds_the_first_line_and_the_end) {
  HeadScanner scanner;
  EXPECT_TRUE(scanner.untouched());
  EXPECT_FALSE(scanner.scan(std::string_view(head).substr(0, 14), {}));
  EXPECT_FALSE(scanner.has_first_line());
  EXPECT_FALSE(scanner.scan(std::string_view(head).substr(0, 20), {}));
  EXPECT_TRUE(scanner.has_first_line());
  EXPECT_EQ(scanner.first_line(), 14u);
  EXPECT_FALSE(scanner.complete());
  EXPECT_FALSE(scanner.scan(head + "what follows\n", {}));
  EXPECT_TRUE(scanner.complete());
  EXPECT_EQ(scanner.length(), head.size());
}

TEST(HeadScanner, starts_anew) {
  HeadScanner scanner;
  EXPECT_TRUE(scanner.scan("a\n", {}));
  scanner.start(HeadScanner::What::trailers);
  EXPECT_TRUE(scanner.untouched());
  EXPECT_FALSE(scanner.scan("\r\n", {}));
  EXPECT_TRUE(scanner.complete());
  EXPECT_EQ(scanner.length(), 2u);
}

TEST(HeadScanner, refuses_line_endings_and_starts_that_parsers_disagree_about) {
  EXPECT_EQ(status_of(head), 0);
  for (const char* bytes : {"GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\n\r\n",
                            "GET / HTTP/1.1\r\nHost: h\r\n\n", "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
                            "GET / HTTP/1.1\r\r\n\r\n", "GET / HTTP/1.1\r\n A: b\r\n\r\n",
                            "GET / HTTP/1.1\r\n\tA: b\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n"}) {
    EXPECT_EQ(status_of(bytes), 400) << bytes;
  }
  for (const char* bytes : {" A: b\r\n\r\n", ": b\r\n\r\n", "A: b\n\r\n", "\n"}) {
    EXPECT_EQ(status_of(bytes, {}, HeadScanner::What::trailers), 400) << bytes;
  }
}

// Line ends are looked for many bytes at a time: none may be missed, wherever it is.
TEST(HeadScanner, finds_a_bad_line_end_at_every_position) {
  for (std::size_t length = 1; length < 70; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (char bad : {'\r', '\n'}) {
        std::string value(length, 'x');
        value[at] = bad;
        EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + value + "x\r\n\r\n"), 400) << length << " " << at;
      }
    }
    std::string good = "GET / HTTP/1.1\r\nA: " + std::string(length, 'x') + "\r\n\r\n";
    HeadScanner scanner;
    EXPECT_FALSE(scanner.scan(good + "\n\r", {}));
    EXPECT_EQ(scanner.length(), good.size());
  }
}

TEST(HeadScanner, limits_count_to_the_byte) {
  Limits limits;
  limits.request_line = 14;
  limits.head = head.size();
  EXPECT_EQ(status_of(head, limits), 0);
  limits.request_line = 13;
  EXPECT_EQ(status_of(head, limits), 414);
  limits.request_line = 14;
  limits.head = head.size() - 1;
  EXPECT_EQ(status_of(head, limits), 431);
  limits.chunk_overhead = 8;
  EXPECT_EQ(status_of("A: b\r\n\r\n", limits, HeadScanner::What::trailers), 0);
  limits.chunk_overhead = 7;
  EXPECT_EQ(status_of("A: b\r\n\r\n", limits, HeadScanner::What::trailers), 431);
}

TEST(HeadScanner, limits_need_no_end_of_line) {
  Limits limits;
  limits.request_line = 100;
  limits.head = 1000;
  EXPECT_EQ(status_of(std::string(102, 'a'), limits), 414);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: " + std::string(1000, 'a'), limits), 431);
}

}  // namespace
}  // namespace corelab
