// What an application sees of its request beyond the protocol: which socket was asked, for whom a proxy asks, methods that
// nobody has heard of; and what it may change without the server being changed by it.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

using nlohmann::json;

json environ_of(const std::string& address, const std::string& headers = "") {
  Client client(address);
  const Reply reply = client.ask(get_request("/", headers));
  EXPECT_EQ(reply.status(), 200) << reply.detail;
  return json::parse(reply.body());
}

class WsgiEnviron : public WsgiMannerTest {};

TEST_P(WsgiEnviron, names_the_socket_that_was_asked) {
  const TempDir dir;
  const auto server = serve("environs:app", 1, {"-b", "127.0.0.1:0", "-b", "127.0.0.2:0", "-b", "unix:" + dir.path("socket")});
  ASSERT_EQ(server.addresses().size(), 3u);
  for (const std::string& address : server.addresses()) {
    const json seen = environ_of(address);
    const bool is_unix = address.starts_with("unix:");
    const std::size_t colon = address.rfind(':');
    EXPECT_EQ(seen["SERVER_NAME"], is_unix ? "localhost" : address.substr(0, colon));
    EXPECT_EQ(seen["SERVER_PORT"], is_unix ? "80" : address.substr(colon + 1));
  }
}

const char* const kForwarded =
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\nX-Forwarded-Port: 8443\r\n";

TEST_P(WsgiEnviron, is_the_clients_where_a_proxy_is_trusted) {
  const TempDir dir;
  const auto server = serve("environs:app", 1, {"--access-logfile", dir.path("log")});
  const json seen = environ_of(server.address(), kForwarded);
  EXPECT_EQ(seen["wsgi.url_scheme"], "https");
  EXPECT_EQ(seen["REMOTE_ADDR"], "192.0.2.1");
  EXPECT_EQ(seen["HTTP_HOST"], "example.org:8443");
  EXPECT_EQ(seen["SERVER_NAME"], "example.org");
  EXPECT_EQ(seen["SERVER_PORT"], "8443");
  EXPECT_EQ(seen["HTTP_X_FORWARDED_FOR"], "192.0.2.1") << "what was sent is there, too";
  EXPECT_TRUE(eventually([&] { return read_file(dir.path("log")).starts_with("192.0.2.1 - - ["); }, Millis(2'000)))
      << read_file(dir.path("log"));
  const json standard = environ_of(server.address(), "Forwarded: for=\"[2001:db8::1]\";proto=https;host=example.org\r\n");
  EXPECT_EQ(standard["REMOTE_ADDR"], "2001:db8::1");
  EXPECT_EQ(standard["wsgi.url_scheme"], "https");
  EXPECT_EQ(standard["SERVER_PORT"], "443");
  // One request leaves nothing to the next.
  const json plain = environ_of(server.address());
  EXPECT_EQ(plain["wsgi.url_scheme"], "http");
  EXPECT_EQ(plain["REMOTE_ADDR"], "127.0.0.1");
}

TEST_P(WsgiEnviron, is_the_connections_where_nobody_is_trusted) {
  const auto server = serve("environs:app", 1, {"--forwarded-allow-ips", "192.0.2.0/24"});
  json seen = environ_of(server.address(), kForwarded), plain = environ_of(server.address());
  for (const char* name : {"wsgi.url_scheme", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST"}) {
    EXPECT_EQ(seen[name], plain[name]) << name;
  }
}

// What requests repeat is kept, up to a length: a target is nobody else's that begins in the same way.
TEST_P(WsgiEnviron, has_the_target_that_was_asked_for) {
  const auto server = serve("environs:app", 1);
  Client client(server.address());
  for (std::size_t length : {100, 255, 256, 257, 258}) {
    for (int i = 0; i < 20; ++i) {
      std::string target = "/" + std::to_string(i) + "?";
      target.append(length - target.size(), 'x');
      for (const std::string& asked : {target + "&secret=1", target}) {
        EXPECT_EQ(json::parse(client.ask(get_request(asked)).body())["REQUEST_URI"], asked);
      }
    }
  }
}

TEST_P(WsgiEnviron, has_methods_that_nobody_has_heard_of) {
  const auto server = serve("environs:app", 1);
  for (const std::string method : {"QUERY", "FOO", "get"}) {
    Client client(server.address());
    const std::string length = "Content-Length: 4\r\n";
    const Reply reply = client.ask(method + " /x HTTP/1.1\r\nHost: h\r\n" + length + "\r\nbody");
    ASSERT_EQ(reply.status(), 200) << method << reply.detail;
    const json seen = json::parse(reply.body());
    EXPECT_EQ(seen["REQUEST_METHOD"], method);
    EXPECT_EQ(seen["length of the body"], 4);
    const Reply chunked = Client(server.address()).ask(
        method + " /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
    EXPECT_EQ(json::parse(chunked.body())["length of the body"], 4);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiEnviron, ::testing::ValuesIn(manners()), manner_name);

TEST(UnknownMethod, is_echos_and_no_route_of_the_labs) {
  const std::string request = "FOO /plaintext HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
  const ServerProcess echo("event-loop", {"--app", "echo"});
  EXPECT_EQ(Client(echo.address()).ask(request).body(), "body");
  const ServerProcess lab("event-loop");
  const Reply refusal = Client(lab.address()).ask(request);
  EXPECT_EQ(refusal.status(), 501);
  EXPECT_TRUE(refusal.response.says_close());
}

// In Turkish hardly a month is spelt as in English, and an "i" in capitals is no "I" of the ASCII characters.
class WsgiLocale : public WsgiTest {
 protected:
  // Makes the locale, because hardly any machine has it.
  void SetUp() override {
    WsgiTest::SetUp();
    const std::string command = "localedef -i tr_TR -f ISO-8859-9 '" + dir_.path("tr_TR") + "' >/dev/null 2>&1";
    if (::system(command.c_str()) != 0) GTEST_SKIP() << "localedef cannot make tr_TR (package locales)";
  }
  ServerProcess start(const Arguments& more) {
    Surroundings around = for_python();
    around.environment.emplace_back("LOCPATH", dir_.path(""));
    around.environment.emplace_back("SPOKEN", "tr_TR");
    Arguments words = wsgi("locales:app");
    words.insert(words.end(), more.begin(), more.end());
    return ServerProcess("event-loop", words, around);
  }
  TempDir dir_;
};

TEST_F(WsgiLocale, of_the_application_is_not_the_access_logs) {
  const auto server = start({"--access-logfile", dir_.path("log")});
  ASSERT_EQ(get(server.address(), "/").body(), "tr_TR absent");
  const std::string log = read_file(dir_.path("log"));
  const std::string month = log.substr(log.find('/') + 1, 3);
  EXPECT_NE(std::string("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").find(month), std::string::npos) << log;
}

TEST_F(WsgiLocale, of_the_application_does_not_change_the_names_of_headers) {
  const auto server = start({});
  Client client(server.address());
  EXPECT_EQ(client.ask(get_request("/", "if-none-match: \"x\"\r\n")).body(), "tr_TR \"x\"");
}

}  // namespace
}  // namespace corelab::test
