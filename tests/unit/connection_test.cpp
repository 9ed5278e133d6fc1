// The driver over a real socket: what it needs and until when, failures of handlers, and what it does to idle
// sessions.

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "common/telemetry/log.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/connection_fixture.hpp"

namespace corelab::test {
namespace {

using Needs = Connection::Needs;

App make_app() {
  App app;
  app.get("/", [](const Request&) { return text("ok"); });
  app.get("/throws", [](const Request&) -> Response { throw std::runtime_error("a secret"); });
  app.get("/throws-later", [](const Request&, Waiter& wait) -> Task<Response> {
    co_await wait.sleep(std::chrono::milliseconds(1));
    throw std::runtime_error("a secret");
    co_return text("");
  });
  app.get("/throws-anything", [](const Request&) -> Response { throw 1; });
  return app;
}

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() { log::open("/dev/null", log::Level::error); }
  ~ConnectionTest() override { log::open("-", log::Level::info); }
  App app_ = make_app();
  ConnectionFixture fixture_{app_};
};

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

TEST_F(ConnectionTest, answers_and_gives_its_session_back) {
  EXPECT_TRUE(fixture_.connection().is_idle());
  std::string_view answer = fixture_.exchange(get("/"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok"));
  EXPECT_EQ(fixture_.needs(), Needs::readable);
  EXPECT_TRUE(fixture_.connection().is_idle());
  EXPECT_EQ(fixture_.counters().requests, 1u);
  EXPECT_EQ(fixture_.counters().open, 1);
}

TEST_F(ConnectionTest, keeps_its_session_while_a_request_is_incomplete) {
  EXPECT_EQ(fixture_.exchange("GET / HT"), "");
  EXPECT_EQ(fixture_.needs(), Needs::readable);
  EXPECT_FALSE(fixture_.connection().is_idle());
  Deadline deadline = fixture_.connection().deadline();
  fixture_.exchange("TP/1.1\r\n");
  EXPECT_EQ(fixture_.connection().deadline(), deadline) << "a byte now and then does not move it";
  EXPECT_TRUE(fixture_.exchange("Host: h\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(ConnectionTest, handlers_that_throw_are_answered_500_without_their_words) {
  for (const char* path : {"/throws", "/throws-later", "/throws-anything"}) {
    std::string_view answer = fixture_.exchange(get(path));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << path;
    EXPECT_EQ(answer.find("secret"), std::string_view::npos) << path;
    EXPECT_EQ(fixture_.needs(), Needs::readable) << "the connection lives on";
  }
}

TEST_F(ConnectionTest, a_head_that_is_late_gets_408) {
  fixture_.exchange("GET / HT");
  EXPECT_EQ(fixture_.connection().deadline_passed(), Needs::writable);
  EXPECT_TRUE(fixture_.exchange("").starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(fixture_.needs(), Needs::close);
  EXPECT_TRUE(fixture_.connection().lingers());
}

TEST_F(ConnectionTest, what_is_no_request_has_its_line_in_the_access_log_too) {
  const TempDir dir;
  fixture_.access_log().open(dir.path("log"));
  fixture_.exchange(get("/") + "GET / HTTP/3.0\r\n\r\n");
  const std::string log = read_file(dir.path("log"));
  EXPECT_NE(log.find("\"GET / HTTP/1.1\" 200 2\n"), std::string::npos) << log;
  EXPECT_TRUE(log.ends_with("\"-\" 505 -\n")) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
}

TEST_F(ConnectionTest, a_late_head_has_its_line_in_the_access_log) {
  const TempDir dir;
  fixture_.access_log().open(dir.path("log"));
  fixture_.exchange("GET / HT");
  fixture_.connection().deadline_passed();
  fixture_.exchange("");
  EXPECT_TRUE(read_file(dir.path("log")).ends_with("\"-\" 408 -\n"));
}

TEST_F(ConnectionTest, an_idle_one_just_closes) {
  fixture_.exchange(get("/"));
  EXPECT_EQ(fixture_.connection().deadline_passed(), Needs::close);
  EXPECT_FALSE(fixture_.connection().owes_output());
}

}  // namespace
}  // namespace corelab::test
