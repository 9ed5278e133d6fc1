#include "common/net/address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <stdexcept>

#include "common/net/fd.hpp"

namespace corelab {
namespace {

TEST(Address, parses_what_bind_takes) {
  for (const char* text :
       {"127.0.0.1:8000", "0.0.0.0:0", "[::1]:8000", "unix:/tmp/app.sock", "127.0.0.1:65535"}) {
    EXPECT_EQ(Address::parse(text).to_string(), text);
  }
  EXPECT_EQ(Address::parse("127.0.0.1:8000").family(), AF_INET);
  EXPECT_EQ(Address::parse("127.0.0.1:8000").port(), 8000);
  EXPECT_EQ(Address::parse("[::1]:80").family(), AF_INET6);
  EXPECT_TRUE(Address::parse("unix:a").is_unix());
  EXPECT_EQ(Address::parse("unix:a").unix_path(), "a");
  EXPECT_EQ(Address::parse("unix:a").port(), 0);
}

TEST(Address, refuses_with_a_sentence) {
  for (std::string text :
       {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:80x", ":80", "::1:80", "[]:80", "[::1:80", "[not-an-ip]:80", "unix:"}) {
    try {
      Address::parse(text);
      ADD_FAILURE() << text;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("use HOST:PORT"), std::string::npos) << text;
    }
  }
  EXPECT_THROW(Address::parse("unix:" + std::string(108, 'x')), std::invalid_argument);
  EXPECT_NO_THROW(Address::parse("unix:" + std::string(107, 'x')));
}

TEST(Address, says_which_port_the_kernel_chose) {
  Address wanted = Address::parse("127.0.0.1:0");
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(fd.get(), wanted.get(), wanted.length()), 0);
  EXPECT_GT(Address::of_socket(fd.get()).port(), 0);
  wanted.set_port(77);
  EXPECT_EQ(wanted.to_string(), "127.0.0.1:77");
}

TEST(Address, knows_names_from_numbers) {
  EXPECT_TRUE(Address::is_numeric("127.0.0.1:80"));
  EXPECT_TRUE(Address::is_numeric("[::1]:80"));
  EXPECT_FALSE(Address::is_numeric("localhost:80"));
  EXPECT_FALSE(Address::is_numeric("example.org:80"));
}

TEST(Address, knows_what_reaches_it) {
  auto reaches = [](const char* here, const char* there) {
    return Address::parse(here).reaches(Address::parse(there));
  };
  EXPECT_TRUE(reaches("127.0.0.1:80", "127.0.0.1:80"));
  EXPECT_TRUE(reaches("0.0.0.0:80", "127.0.0.1:80"));
  EXPECT_TRUE(reaches("127.0.0.1:80", "0.0.0.0:80"))
      << "connecting to the wildcard is connecting to loopback";
  EXPECT_TRUE(reaches("unix:/a", "unix:/a"));
  EXPECT_FALSE(reaches("127.0.0.1:80", "127.0.0.1:81"));
  EXPECT_FALSE(reaches("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(reaches("unix:/a", "unix:/b"));
  EXPECT_FALSE(reaches("unix:/a", "127.0.0.1:80"));
  EXPECT_FALSE(reaches("127.0.0.1:0", "127.0.0.1:0")) << "the port is not known yet";
}

TEST(Address, gives_a_peer) {
  Address v4 = Address::parse("127.0.0.1:80");
  sockaddr_storage storage{};
  std::copy_n(reinterpret_cast<const char*>(v4.get()), v4.length(), reinterpret_cast<char*>(&storage));
  Peer peer = Address::peer(storage);
  EXPECT_EQ(peer.address(), "127.0.0.1");
  EXPECT_EQ(peer.port, 80);
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(Address::peer(storage).family, Peer::Family::local);
}

}  // namespace
}  // namespace corelab
