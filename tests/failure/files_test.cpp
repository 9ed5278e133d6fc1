// Files that the server writes to and listens on: FIFOs without a reader, pipes whose reader stalls, names that are somebody
// else's.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "tests/support/client.hpp"
#include "tests/support/cores.hpp"
#include "tests/support/temp_dir.hpp"

namespace corelab::test {
namespace {

class Files : public CoreTest {
 protected:
  std::string fifo() const {
    const std::string path = dir_.path("fifo");
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  const TempDir dir_;
};

TEST_P(Files, that_nobody_reads_are_refused_and_not_waited_for) {
  const std::string path = fifo();
  for (const char* option : {"--pid", "--access-logfile", "--error-logfile", "--trace"}) {
    auto server = ServerProcess::starting({"serve", "--core", core().name, "-b", "127.0.0.1:0", option, path});
    EXPECT_EQ(server.wait_exit(Millis(3'000)), 1) << option;
    EXPECT_NE(server.errors().find(path), std::string::npos) << option << ": " << server.errors();
  }
}

TEST_P(Files, that_nobody_reads_keep_the_logs_as_they_are) {
  const std::string log = dir_.path("access.log");
  auto server = serve_with_workers(1, {"--access-logfile", log});
  ASSERT_EQ(::rename(log.c_str(), dir_.path("old.log").c_str()), 0);
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  server.signal(SIGUSR1);
  EXPECT_TRUE(server.says("the logs stay as they are", Millis(3'000))) << server.errors();
  EXPECT_EQ(get(server.address(), "/plaintext").status(), 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(Files, of_the_configuration_that_can_be_read_once_are_not_waited_for) {
  const std::string path = fifo();
  std::thread writer([&] { std::ofstream(path) << "keep-alive = 5\n"; });
  auto server = serve_with_workers(1, {"-c", path});
  writer.join();
  server.signal(SIGHUP);
  EXPECT_TRUE(server.says("none that can be read again", Millis(3'000))) << server.errors();
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0) << server.errors();
}

TEST_P(Files, whose_reader_stalls_lose_lines_and_stop_nobody) {
  const std::string path = fifo();
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  auto server = serve_with_workers(1, {"--access-logfile", path});
  Client client(server.address());
  const std::string request = get_request("/plaintext?" + std::string(4'000, 'x'));
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.ask(request).status(), 200) << i;  // more than a pipe holds
  std::string some(65'536, '\0');
  while (::read(reader, some.data(), some.size()) > 0) {
  }
  ASSERT_EQ(client.ask(request).status(), 200);
  EXPECT_TRUE(server.says("the access log has lost", Millis(2'000))) << server.errors();
  ::close(reader);
}

INSTANTIATE_TEST_SUITE_P(EveryCore, Files, ::testing::ValuesIn(cores()), core_test_name);

// A pipe that nobody empties is standard error: what the server says of itself waits for nobody.
TEST(StandardError, that_stalls_stops_nobody) {
  const TempDir dir;
  const std::string path = dir.path("fifo");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDWR);
  auto server = ServerProcess("event-loop", {"--log-level", "info", "--error-logfile", path});
  for (int i = 0; i < 1'500; ++i) {
    server.signal(SIGHUP);
    if (i % 50 == 0) {
      ASSERT_EQ(get(server.address(), "/plaintext").status(), 200);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(Millis(5'000)), 0);
  ::close(reader);
}

class SocketName : public ::testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_.path("socket");
  RunResult start() const { return run_corelab({"serve", "--core", "event-loop", "-b", "unix:" + path_}); }
};

TEST_F(SocketName, of_what_is_no_socket_is_said_to_be_that) {
  std::ofstream(path_) << "kept";
  EXPECT_NE(start().err.find("a file has that name"), std::string::npos);
  EXPECT_EQ(::unlink(path_.c_str()), 0) << "it is left alone";
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  EXPECT_NE(start().err.find("a directory has that name"), std::string::npos);
  ASSERT_EQ(::rmdir(path_.c_str()), 0);
  ASSERT_EQ(::symlink("/nonexistent/x", path_.c_str()), 0);
  EXPECT_NE(start().err.find("a symbolic link has that name"), std::string::npos);
}

// Whoever took the name over keeps it.
TEST_F(SocketName, is_left_to_its_successor) {
  ServerProcess first("event-loop", {"-b", "unix:" + path_});
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  ServerProcess second("event-loop", {"-b", "unix:" + path_});
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait_exit(Millis(5'000)), 0) << first.errors();
  EXPECT_EQ(get("unix:" + path_, "/plaintext").status(), 200);
}

}  // namespace
}  // namespace corelab::test
