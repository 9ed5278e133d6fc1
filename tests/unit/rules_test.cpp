#include "common/http/rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace corelab {
namespace {

struct Line {
  std::string line;
  Request request;
  int status;
  explicit Line(std::string text) : line(std::move(text)) {
    status = rules::read_request_line(line, request).status;
  }
};

TEST(RequestLine, is_split) {
  Line parsed("POST /a/b?c=d?e HTTP/1.0");
  EXPECT_EQ(parsed.status, 0);
  EXPECT_EQ(parsed.request.method, Method::post);
  EXPECT_EQ(parsed.request.method_name, "POST");
  EXPECT_EQ(parsed.request.target, "/a/b?c=d?e");
  EXPECT_EQ(parsed.request.path, "/a/b");
  EXPECT_EQ(parsed.request.query, "c=d?e");
  EXPECT_EQ(parsed.request.version_minor, 0);
}

TEST(RequestLine, knows_methods_by_name_and_others_by_the_parser) {
  for (Method method : {Method::get, Method::head, Method::post, Method::put, Method::del, Method::options,
                        Method::patch, Method::trace}) {
    Line parsed(std::string(to_string(method)) + " / HTTP/1.1");
    EXPECT_EQ(parsed.status, 0);
    EXPECT_EQ(parsed.request.method, method);
  }
  Line webdav("PROPFIND / HTTP/1.1");
  EXPECT_EQ(webdav.status, 0);
  EXPECT_EQ(webdav.request.method, Method::other);
  EXPECT_EQ(webdav.request.method_name, "PROPFIND");
}

TEST(RequestLine, refusals) {
  const std::pair<const char*, int> lines[] = {
      {"", 400},
      {"GET", 400},
      {"GET /", 400},
      {"GET  / HTTP/1.1", 400},
      {"GET / HTTP/1.1 ", 400},
      {"GET /a b HTTP/1.1", 400},
      {" / HTTP/1.1", 400},
      {"G@T / HTTP/1.1", 400},
      {"GET\t/ HTTP/1.1", 400},
      {"GET / HTTP/1.2", 505},
      {"GET / HTTP/2.0", 505},
      {"GET / HTTP/0.9", 505},
      {"GET / HTTP/1.10", 400},
      {"GET / http/1.1", 400},
      {"GET / RTSP/1.0", 400},
      {"GET x HTTP/1.1", 400},
      {"GET /# HTTP/1.1", 400},
      {"GET /\x7f HTTP/1.1", 400},
      {"GET /\xc3\xa9 HTTP/1.1", 400},
      {"GET * HTTP/1.1", 400},
      {"CONNECT h:80 HTTP/1.1", 501},
      {"GET ftp://h/ HTTP/1.1", 400},
      {"GET http:// HTTP/1.1", 400},
      {"GET http://u@h/ HTTP/1.1", 400},
  };
  for (const auto& [line, status] : lines) EXPECT_EQ(Line(line).status, status) << line;
}

TEST(RequestLine, target_forms) {
  Line absolute("GET HTTP://h:80/a?b HTTP/1.1");
  EXPECT_EQ(absolute.request.authority, "h:80");
  EXPECT_EQ(absolute.request.path, "/a");
  EXPECT_EQ(absolute.request.query, "b");
  Line bare("GET http://h?b HTTP/1.1");
  EXPECT_EQ(bare.request.path, "/");
  EXPECT_EQ(bare.request.query, "b");
  Line asterisk("OPTIONS * HTTP/1.1");
  EXPECT_EQ(asterisk.status, 0);
  EXPECT_EQ(asterisk.request.path, "*");
}

struct Checked {
  std::vector<Field> fields;
  Request request;
  rules::Framing framing;
  int status = 0;
};

Checked check(std::vector<Field> fields, int version_minor = 1, std::string_view authority = {}) {
  Checked checked{std::move(fields), {}, {}};
  checked.request.version_minor = version_minor;
  checked.request.authority = authority;
  checked.request.fields = checked.fields;
  checked.status = rules::read_fields(checked.request, 100, checked.framing).status;
  return checked;
}

TEST(RequestFields, host) {
  EXPECT_EQ(check({{"Host", "h"}}).request.authority, "h");
  EXPECT_EQ(check({{"hOST", "h"}}).status, 0);
  EXPECT_EQ(check({}).status, 400);
  EXPECT_EQ(check({}, 0).status, 0);
  EXPECT_EQ(check({{"Host", "h"}, {"Host", "h"}}).status, 400);
  EXPECT_EQ(check({{"Host", "h"}, {"Host", "h"}}, 0).status, 400);
  EXPECT_EQ(check({{"Host", "h"}}, 1, "target").request.authority, "target");
  EXPECT_EQ(check({{"Host", "a b"}}, 1, "target").status, 400);
  for (const char* bad :
       {"", "a b", "a,b c", "u@h", "a/b", "a:x", "a:80:80", ":80", "[::1", "[::1]x", "a#b", "a?b"}) {
    EXPECT_EQ(check({{"Host", bad}}).status, 400) << bad;
  }
}

TEST(RequestFields, framing) {
  EXPECT_EQ(check({{"Host", "h"}, {"Content-Length", "100"}}).framing.content_length, 100u);
  EXPECT_TRUE(check({{"Host", "h"}, {"Transfer-Encoding", "Chunked"}}).framing.chunked);
  const std::pair<const char*, int> lengths[] = {
      {"101", 413},  {"", 400},     {"+1", 400},  {"-1", 400},
      {"1, 1", 400}, {"0x1", 400},  {"1 1", 400}, {"18446744073709551617", 400},
      {"0100", 0},   {"99999", 413}};
  for (const auto& [value, status] : lengths) {
    EXPECT_EQ(check({{"Host", "h"}, {"Content-Length", value}}).status, status) << value;
  }
  const std::pair<const char*, int> codings[] = {
      {"", 400},         {"gzip", 400},        {"gzip, chunked", 501},
      {"chunked,", 400}, {"chunked;q=1", 400}, {"identity", 400},
      {"chunked, gzip", 400}, {"chunked, chunked", 400}, {"gzip,chunked", 501}, {", chunked", 400}};
  for (const auto& [value, status] : codings) {
    EXPECT_EQ(check({{"Host", "h"}, {"Transfer-Encoding", value}}).status, status) << value;
  }
  EXPECT_EQ(check({{"Host", "h"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}).status,
            400);
  EXPECT_EQ(check({{"Host", "h"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "1"}}).status, 400);
  EXPECT_EQ(check({{"Host", "h"}, {"Content-Length", "1"}, {"Content-Length", "1"}}).status, 400);
  EXPECT_EQ(check({{"Transfer-Encoding", "chunked"}}, 0).status, 400);
}

TEST(RequestFields, expect) {
  EXPECT_TRUE(check({{"Host", "h"}, {"Expect", "100-Continue"}}).framing.expects_continue);
  EXPECT_EQ(check({{"Host", "h"}, {"Expect", "more"}}).status, 417);
  Checked old = check({{"Expect", "100-continue"}}, 0);
  EXPECT_EQ(old.status, 0);
  EXPECT_FALSE(old.framing.expects_continue);
  EXPECT_EQ(check({{"Expect", "more"}}, 0).status, 0);
}

}  // namespace
}  // namespace corelab
