// Bodies that are too large for memory: a file, in wsgi.input too.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <thread>

#include "tests/e2e/wsgi_server.hpp"
#include "tests/support/client.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

class WsgiUploads : public WsgiMannerTest {
 protected:
  // In how many pieces a chunked body is sent; 0: with its length.
  static std::string upload(const std::string& body, int chunks) {
    if (chunks == 0) return post_request("/", body);
    std::string request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    const size_t piece = body.size() / static_cast<size_t>(chunks) + 1;
    char size[20];
    for (size_t at = 0; at < body.size(); at += piece) {
      const std::string_view part = std::string_view(body).substr(at, piece);
      std::snprintf(size, sizeof size, "%zx\r\n", part.size());
      request.append(size).append(part).append("\r\n");
    }
    return request + "0\r\n\r\n";
  }
};

long peak_memory(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return -1;
}

TEST_P(WsgiUploads, are_files_where_they_are_too_large_for_memory) {
  Arguments more = holding(core());
  more.insert(more.end(), {"--body-buffer", "100000", "--limit-request-body", "100000000"});
  const auto server = serve("uploads:app", 1, more);
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  long small_peak = 0;
  for (const auto& [size, kind] : {std::pair(5, "memory"), std::pair(100'000, "memory"), std::pair(100'001, "file"),
                                   std::pair(30'000'000, "file")}) {
    if (size > 1'000'000) small_peak = peak_memory(pid);
    std::string body;
    for (int i = 0; body.size() < static_cast<size_t>(size); ++i) body += std::to_string(i);
    body.resize(static_cast<size_t>(size));
    for (int chunks : {0, 1, 7}) {
      SCOPED_TRACE(std::to_string(size) + " bytes in " + std::to_string(chunks) + " chunks");
      Client client(server.address());
      // Behind it another, which must not be taken for a part of it.
      ASSERT_TRUE(client.send(upload(body, chunks) + post_request("/", "small")));
      const std::string seen = client.read_response().body(), next = client.read_response().body();
      EXPECT_TRUE(seen.starts_with(std::string(kind) + " " + std::to_string(size) + " ")) << seen;
      EXPECT_TRUE(next.starts_with("memory 5 ")) << next;
    }
  }
  EXPECT_LT(peak_memory(pid) - small_peak, 16 * 1024 * slowdown()) << "KiB for a body of 30 MB";
}

TEST_P(WsgiUploads, have_the_same_bytes_either_way) {
  const auto server = serve("uploads:app", 1, {"--body-buffer", "1000"});
  const auto checksum = [&](const std::string& body, int chunks) {
    Client client(server.address());
    const std::string seen = client.ask(upload(body, chunks)).body();
    return seen.substr(seen.find(' '));
  };
  std::string body;
  for (int i = 0; i < 100'000; ++i) body += static_cast<char>('a' + i % 26);
  EXPECT_EQ(checksum(body, 0), checksum(body, 5));
}

TEST_P(WsgiUploads, leave_no_file_behind_their_connection) {
  const auto server = serve("uploads:app", 1, {"--body-buffer", "1000"});
  const pid_t pid = core().has_processes() ? children_of(server.pid()).front() : server.pid();
  const std::string body(100'000, 'x');
  for (int i = 0; i < 8; ++i) {
    Client client(server.address());
    if (i % 2 == 0) {
      EXPECT_EQ(client.ask(post_request("/", body, "Connection: close\r\n")).status(), 200);
    } else {
      ASSERT_TRUE(client.send(post_request("/", body).substr(0, 50'000)));
      std::this_thread::sleep_for(Millis(50));
    }
  }
  EXPECT_TRUE(eventually([&] { return deleted_files(pid) == 0; }, Millis(3'000))) << deleted_files(pid);
}

INSTANTIATE_TEST_SUITE_P(EveryManner, WsgiUploads, ::testing::ValuesIn(manners()), manner_name);

TEST_F(WsgiTest, upload_without_a_place_for_it_is_refused_and_said) {
  Surroundings around = for_python();
  around.environment.emplace_back("TMPDIR", "/nonexistent");
  Arguments words = wsgi("uploads:app");
  words.insert(words.end(), {"--body-buffer", "10"});
  const ServerProcess server("event-loop", words, around);
  EXPECT_EQ(Client(server.address()).ask(post_request("/", std::string(100'000, 'x'))).status(), 503);
  EXPECT_TRUE(server.says("a request's body cannot be kept in /nonexistent (TMPDIR)", Millis(2'000))) << server.errors();
  EXPECT_EQ(Client(server.address()).ask(post_request("/", "x")).status(), 200);
}

TEST_F(WsgiTest, body_buffer_is_taken_by_hup) {
  const TempDir dir;
  const std::string config = dir.write("corelab.toml", "body-buffer = 1000000\n");
  const auto server = serve("event-loop", "uploads:app", {"-c", config});
  // (What has come in one piece with its head is there already.)
  const auto kind = [&] {
    const std::string seen = Client(server.address()).ask(post_request("/", std::string(200'000, 'x'))).body();
    return seen.substr(0, seen.find(' '));
  };
  EXPECT_EQ(kind(), "memory");
  dir.write("corelab.toml", "body-buffer = 10\n");
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return kind() == "file"; }, Millis(3'000)));
}

}  // namespace
}  // namespace corelab::test
