// PEP 3333: what an application is given, what it may answer, and what becomes of an answer that is wrong.

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using nlohmann::json;

using WsgiProtocol = WsgiMannerTest;

TEST_P(WsgiProtocol, validator_of_wsgiref_finds_nothing) {
  const auto server = serve("conforming:app", 2, holding(core()));
  const std::string before = server.errors();
  Client client(server.address());
  for (const std::string path : {"/", "/streamed"}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(client.ask(get_request(path + "?a=1&b=%20")).body(), "GET a=1&b=%20 ");
    EXPECT_EQ(client.ask(post_request(path, "a body")).body(), "POST  a body");
    EXPECT_EQ(client.ask("POST " + path + " HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          "2\r\na \r\n4\r\nbody\r\n0\r\n\r\n")
                  .body(),
              "POST  a body");
    const Reply head = client.ask("HEAD " + path + " HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(head.status(), 200) << head.detail;
  }
  EXPECT_EQ(server.errors(), before);
}

TEST_P(WsgiProtocol, environ_says_how_many_threads_and_processes_there_are) {
  // With one worker, with two; other processes.
  const std::map<std::string, std::tuple<bool, bool, bool>> said = {
      {"thread-per-connection", {true, true, false}},
      {"thread-pool", {false, true, false}},
      {"thread-pool-handoff", {false, true, false}},
      {"event-loop", {false, false, false}},
      {"multi-reactor", {false, true, false}},
      {"prefork", {false, false, true}},
      {"prefork-evented", {false, false, true}},
  };
  ASSERT_TRUE(said.contains(core().name)) << "say in apps/wsgi/README.md and here what a new core is";
  const auto [with_one, with_two, processes] = said.at(core().name);
  for (const int count : {1, 2}) {
    const auto server = serve("environs:app", count);
    const json environ = json::parse(get(server.address(), "/").body());
    EXPECT_EQ(environ["wsgi.multithread"], GetParam().offloads || (count == 1 ? with_one : with_two)) << count;
    EXPECT_EQ(environ["wsgi.multiprocess"], processes);
    EXPECT_EQ(environ["wsgi.run_once"], false);
  }
}

TEST_P(WsgiProtocol, first_block_is_sent_before_the_second_is_asked_for) {
  const TempDir dir;
  const auto server = serve("bodies:app", 1);
  const std::string target = "/until_there_is?";
  // The same answer, in one go: where its first block ends.
  const Reply whole = get(server.address(), target + dir.write("before", ""));
  ASSERT_EQ(whole.body(), "firstsecond") << whole.detail;
  Client client(server.address());
  client.send(get_request(target + dir.path("after"), "Connection: close\r\n"));
  EXPECT_TRUE(client.await_bytes(whole.response.raw.find("first") + 5)) << client.received() << " bytes";
  dir.write("after", "");
  EXPECT_EQ(client.read_response().body(), "firstsecond");
}

TEST_P(WsgiProtocol, a_large_body_comes_whole) {
  const auto server = serve("answers:app", 1, holding(core()));
  Client client(server.address());
  for (int i = 0; i < 3; ++i) {
    client.send(get_request("/large"));
    std::this_thread::sleep_for(Millis(100));  // more than the kernel takes at once
    EXPECT_EQ(client.read_response().body().size(), 3'000'000u) << i;
    EXPECT_EQ(client.ask(get_request("/fine")).body(), "fine") << i;
  }
}

TEST_P(WsgiProtocol, iterable_is_closed_once_whatever_happens) {
  const auto server = serve("bodies:app", 1);
  EXPECT_EQ(get(server.address(), "/whole").body(), "first second");
  EXPECT_EQ(get(server.address(), "/failing").ended, Ended::cut_short);
  EXPECT_TRUE(server.says("RuntimeError: in the middle", Millis(2'000)));
  Client client(server.address());
  client.send(get_request("/endless"));
  ASSERT_TRUE(client.await_bytes(50'000));
  client.reset();
  // By itself, and not with the next request.
  EXPECT_TRUE(server.says("closed: endless", Millis(3'000)));
  EXPECT_EQ(get(server.address(), "/whole").body(), "first second");
  EXPECT_TRUE(eventually([&] { return lines_with(server.errors(), "closed: whole") == 2; }, Millis(2'000)));
  for (const char* name : {"failing", "endless"})
    EXPECT_EQ(lines_with(server.errors(), std::string("closed: ") + name), 1) << server.errors();
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiProtocol, ::testing::ValuesIn(manners()), manner_name);

// What is the same code on every core is looked at on one.
class WsgiEnviron : public WsgiTest {
 protected:
  json environ(const std::string& request, const Arguments& more = {}) {
    const auto server = serve(cores().front().name, "environs:app", more);
    Client client(server.address());
    const Reply reply = client.ask(request);
    EXPECT_EQ(reply.status(), 200) << reply.detail << server.errors();
    json environ = json::parse(reply.body(), nullptr, false);
    environ["server's address"] = server.address();
    return environ;
  }
};

TEST_F(WsgiEnviron, holds_the_request_line) {
  const json got = environ(get_request("/caf%C3%A9/a%20b?q=%C3%A9&r"));
  EXPECT_EQ(got["REQUEST_METHOD"], "GET");
  EXPECT_EQ(got["SCRIPT_NAME"], "");
  EXPECT_EQ(got["PATH_INFO"], "/caf\u00c3\u00a9/a b");  // the bytes of UTF-8 as characters of Latin-1
  EXPECT_EQ(got["QUERY_STRING"], "q=%C3%A9&r");
  EXPECT_EQ(got["SERVER_PROTOCOL"], "HTTP/1.1");
  EXPECT_EQ(got["wsgi.url_scheme"], "http");
  EXPECT_EQ(got["REMOTE_ADDR"], "127.0.0.1");
  const std::string address = got["server's address"];
  EXPECT_EQ(got["SERVER_NAME"].get<std::string>() + ":" + got["SERVER_PORT"].get<std::string>(), address);
  EXPECT_EQ(got["HTTP_HOST"], "test");
  EXPECT_FALSE(got.contains("CONTENT_LENGTH"));
}

TEST_F(WsgiEnviron, holds_headers_joined_and_drops_those_with_underscores) {
  const json got = environ(get_request("/", "X-One: a\r\nCookie: c=1\r\nx-one: b\r\nX-Latin: caf\xe9\r\nCookie: d=2\r\n"
                                            "X_Two: forged\r\nContent_Length: 9\r\nContent-Type: text/x\r\n"));
  EXPECT_EQ(got["HTTP_X_ONE"], "a,b");
  EXPECT_EQ(got["HTTP_COOKIE"], "c=1; d=2");
  EXPECT_EQ(got["HTTP_X_LATIN"], "caf\u00e9");
  EXPECT_EQ(got["CONTENT_TYPE"], "text/x");
  for (const char* key : {"HTTP_X_TWO", "HTTP_CONTENT_LENGTH", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE"})
    EXPECT_FALSE(got.contains(key)) << key;
}

TEST_F(WsgiEnviron, holds_the_length_of_a_body_however_it_came) {
  json got = environ(post_request("/", "seven..", "Content-Type: text/x\r\n"));
  EXPECT_EQ(got["CONTENT_LENGTH"], "7");
  EXPECT_EQ(got["length of the body"], 7);
  got = environ("PUT / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsev\r\n4\r\nen..\r\n0\r\n\r\n");
  EXPECT_EQ(got["REQUEST_METHOD"], "PUT");
  EXPECT_EQ(got["CONTENT_LENGTH"], "7");
  EXPECT_EQ(got["length of the body"], 7);
  EXPECT_FALSE(got.contains("HTTP_TRANSFER_ENCODING"));
}

TEST_F(WsgiEnviron, of_http_1_0_and_of_a_unix_socket) {
  EXPECT_EQ(environ("GET / HTTP/1.0\r\n\r\n")["SERVER_PROTOCOL"], "HTTP/1.0");
  const TempDir dir;
  const json got = environ(get_request("/"), {"-b", "unix:" + dir.path("socket")});
  EXPECT_NE(got["SERVER_NAME"], "");
  EXPECT_NE(got["SERVER_PORT"], "");
}

class WsgiAnswer : public WsgiTest {
 protected:
  void SetUp() override {
    WsgiTest::SetUp();
    if (!IsSkipped()) server_.emplace(serve(cores().front().name, "answers:app"));
  }
  Reply ask(const std::string& path, const std::string& method = "GET") {
    Client client(server_->address());
    return client.ask(method + " " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
  }
  // A 500 that keeps its reason to itself: the trace, with `reason`, goes to standard error.
  void expect_failure(const std::string& path, const std::string& reason) {
    SCOPED_TRACE(path);
    const size_t said = server_->errors().size();
    const Reply reply = ask(path);
    EXPECT_EQ(reply.status(), 500) << reply.detail;
    EXPECT_EQ(reply.body(), "the application failed\n");
    EXPECT_TRUE(eventually([&] { return server_->errors().find(reason, said) != std::string::npos; }, Millis(2'000)))
        << server_->errors().substr(said);
    EXPECT_EQ(ask("/fine").body(), "fine") << "it does not go on";
  }
  std::optional<ServerProcess> server_;
};

TEST_F(WsgiAnswer, whose_head_is_wrong_is_a_500) {
  expect_failure("/twice", "AssertionError: start_response was called twice");
  expect_failure("/never", "AssertionError: the application gave a body before it called start_response");
  expect_failure("/body_first", "AssertionError: the application gave a body before it called start_response");
  expect_failure("/bad_status", "ValueError: start_response: 'fine' is no status");
  expect_failure("/hop_by_hop", "ValueError: start_response: Connection is a hop-by-hop header");
  expect_failure("/split", "ValueError: start_response: the value of X-Split holds a control character");
  expect_failure("/not_latin_1", "UnicodeEncodeError: 'latin-1'");
  expect_failure("/bytes_in_a_header", "TypeError: start_response: a header's value must be a str, not bytes");
}

TEST_F(WsgiAnswer, whose_body_is_wrong_is_a_500) {
  expect_failure("/text_block", "TypeError: the application's iterable must give bytes, not str");
  expect_failure("/no_iterable", "TypeError: 'int' object is not iterable");
  expect_failure("/raises", "RuntimeError: a secret");
  EXPECT_TRUE(server_->says("answers.py\", line", Millis(0))) << "a trace names the application's lines";
}

TEST_F(WsgiAnswer, may_be_mended_with_exc_info_until_it_is_sent) {
  const Reply mended = ask("/mended");
  EXPECT_EQ(mended.status(), 503) << mended.detail;
  EXPECT_EQ(mended.body(), "mended");
  EXPECT_EQ(mended.response.header("x-first"), nullptr);
  EXPECT_TRUE(mended.response.raw.starts_with("HTTP/1.1 503 Mended\r\n")) << mended.response.raw;
  EXPECT_FALSE(server_->says("Traceback", Millis(0)));

  EXPECT_EQ(ask("/mended_too_late").ended, Ended::cut_short);
  EXPECT_TRUE(server_->says("RuntimeError: too late", Millis(2'000)));
}

TEST_F(WsgiAnswer, may_come_in_many_shapes) {
  const std::map<std::string, std::string> body_of = {
      {"/fine", "fine"},   {"/two_blocks", "two blocks"}, {"/pair", "a tuple"},
      {"/generated", "generated"}, {"/writes", "one two three"}, {"/started_by_the_first_block", "started"},
      {"/large", std::string(3'000'000, 'x')}};
  for (const auto& [path, body] : body_of) {
    SCOPED_TRACE(path);
    const Reply reply = ask(path);
    EXPECT_EQ(reply.status(), 200) << reply.detail;
    EXPECT_TRUE(reply.body() == body) << reply.body().substr(0, 100);
  }
  EXPECT_TRUE(ask("/own_reason").response.raw.starts_with("HTTP/1.1 299 Quite Fine\r\n"));
}

TEST_F(WsgiAnswer, keeps_its_headers_but_for_those_that_are_the_servers) {
  const std::string raw = ask("/own_headers").response.raw;
  EXPECT_NE(raw.find("X-Two: 1\r\nX-Two: caf\xe9\r\n"), std::string::npos) << raw;
  EXPECT_EQ(lines_with(raw, "Date: "), 1) << raw;
  EXPECT_EQ(lines_with(raw, "Server: "), 1) << raw;
  EXPECT_EQ(lines_with(raw, "today") + lines_with(raw, "mine"), 0) << raw;
}

TEST_F(WsgiAnswer, never_differs_from_its_content_length) {
  for (const char* path : {"/promises_more", "/streams_less_than_it_promises"}) {
    const Reply reply = ask(path);
    EXPECT_EQ(reply.ended, Ended::cut_short) << path << reply.detail;
  }
  for (const char* path : {"/promises_less", "/streams_more_than_it_promises"}) {
    Client client(server_->address());
    EXPECT_EQ(client.ask(get_request(path)).body(), "lon") << path;
    EXPECT_EQ(client.ask(get_request("/fine")).body(), "fine") << "bytes too many behind " << path;
  }
}

TEST_F(WsgiAnswer, to_head_has_no_body_and_the_length_that_get_would_have) {
  const auto length_of = [&](const std::string& path) {
    Client client(server_->address());
    const Reply reply = client.ask("HEAD " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(reply.status(), 200) << path << reply.detail;
    const Reply next = client.ask(get_request("/fine"));
    EXPECT_EQ(next.body(), "fine") << "bytes too many behind " << path << next.detail;
    const std::string* length = reply.response.header("content-length");
    return length ? *length : "none";
  };
  EXPECT_EQ(length_of("/sized"), "5");
  EXPECT_EQ(length_of("/sized_for_get_alone"), "5");
  EXPECT_EQ(length_of("/fine"), "4");
  EXPECT_EQ(length_of("/generated"), "none");
}

TEST_F(WsgiAnswer, of_204_and_304_has_neither_body_nor_length) {
  for (const auto& [path, status] : {std::pair("/no_content", 204), std::pair("/not_modified", 304)}) {
    Client client(server_->address());
    const Reply reply = client.ask(get_request(path));
    EXPECT_EQ(reply.status(), status) << reply.detail;
    EXPECT_EQ(reply.response.header("content-length"), nullptr) << reply.response.raw;
    EXPECT_EQ(client.ask(get_request("/fine")).body(), "fine") << "bytes too many behind " << path;
  }
}

}  // namespace
}  // namespace corelab::test
