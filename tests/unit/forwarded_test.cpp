// What is believed of X-Forwarded-… and Forwarded, and of whom.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/http/forwarded.hpp"

namespace corelab::test {
namespace {

Peer peer(const std::string& address) {
  // As an address of the list is read.
  Request request;
  std::vector<Field> fields = {{"X-Forwarded-For", address}};
  request.fields = fields;
  std::string storage;
  apply_forwarded(request, TrustedPeers(""), storage);
  return request.peer;
}

struct Seen {
  std::string peer, scheme, authority;
  bool operator==(const Seen&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << seen.peer << " " << seen.scheme << " " << seen.authority;
}

Seen seen(std::vector<Field> fields, const std::string& trusted = "127.0.0.1") {
  Request request;
  request.peer = peer("127.0.0.1");
  request.authority = "inner:8000";
  request.fields = fields;
  std::string storage;
  apply_forwarded(request, TrustedPeers(trusted), storage);
  return {request.peer.address(), std::string(request.scheme), std::string(request.authority)};
}

TEST(Forwarded, says_who_asks_and_how) {
  EXPECT_EQ(seen({}), (Seen{"127.0.0.1", "http", "inner:8000"}));
  EXPECT_EQ(seen({{"X-Forwarded-For", "192.0.2.1"}, {"x-forwarded-proto", "https"}}),
            (Seen{"192.0.2.1", "https", "inner:8000"}));
  EXPECT_EQ(seen({{"X-Forwarded-Proto", "HTTPS"}, {"X-Forwarded-Host", "example.org"}}),
            (Seen{"127.0.0.1", "https", "example.org"}));
  EXPECT_EQ(seen({{"Forwarded", "for=192.0.2.1;proto=https;host=example.org"}}), (Seen{"192.0.2.1", "https", "example.org"}));
  EXPECT_EQ(seen({{"Forwarded", "For=\"[2001:db8::1]:4711\"; Proto=http"}}), (Seen{"2001:db8::1", "http", "inner:8000"}));
}

TEST(Forwarded, port_is_part_of_the_authority_unless_it_is_the_usual_one) {
  EXPECT_EQ(seen({{"X-Forwarded-Host", "example.org"}, {"X-Forwarded-Port", "8443"}}).authority, "example.org:8443");
  EXPECT_EQ(seen({{"X-Forwarded-Host", "example.org:1"}, {"X-Forwarded-Port", "80"}}).authority, "example.org");
  EXPECT_EQ(seen({{"X-Forwarded-Port", "443"}, {"X-Forwarded-Proto", "https"}}).authority, "inner");
  EXPECT_EQ(seen({{"X-Forwarded-Host", "[2001:db8::1]"}, {"X-Forwarded-Port", "81"}}).authority, "[2001:db8::1]:81");
}

// Each proxy adds the one that it was asked by. Only those that are trusted are believed.
TEST(Forwarded, the_last_who_is_not_trusted_asks) {
  const std::string trusted = "127.0.0.1, 10.0.0.0/8";
  EXPECT_EQ(seen({{"X-Forwarded-For", "203.0.113.9, 192.0.2.1"}}).peer, "192.0.2.1") << "the first was the client's own";
  EXPECT_EQ(seen({{"X-Forwarded-For", "203.0.113.9, 192.0.2.1, 10.1.2.3"}}, trusted).peer, "192.0.2.1");
  EXPECT_EQ(seen({{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-For", "192.0.2.1,10.1.2.3"}}, trusted).peer, "192.0.2.1");
  EXPECT_EQ(seen({{"X-Forwarded-For", "10.9.9.9, 10.1.2.3"}}, trusted).peer, "10.9.9.9") << "all are trusted: the first";
  EXPECT_EQ(seen({{"X-Forwarded-For", "192.0.2.1, 10.1.2.3"}, {"X-Forwarded-Proto", "https, http"}}, trusted).scheme, "https")
      << "the client's, and not the inner hop's";
  EXPECT_EQ(seen({{"X-Forwarded-For", "192.0.2.1"}, {"X-Forwarded-Proto", "https, http"}}).scheme, "http")
      << "what the nearest proxy says";
  EXPECT_EQ(seen({{"Forwarded", "for=203.0.113.9;proto=https, for=192.0.2.1;proto=http"}}).scheme, "http");
}

TEST(Forwarded, what_is_malformed_changes_nothing) {
  const Seen unchanged{"127.0.0.1", "http", "inner:8000"};
  for (const Field& field : std::vector<Field>{{"X-Forwarded-For", "unknown"},
                                               {"X-Forwarded-For", ""},
                                               {"X-Forwarded-For", "192.0.2.1.2"},
                                               {"X-Forwarded-For", "[2001:db8::1"},
                                               {"X-Forwarded-Proto", "javascript"},
                                               {"X-Forwarded-Host", "user@example.org"},
                                               {"X-Forwarded-Host", "a b"},
                                               {"X-Forwarded-Port", "0"},
                                               {"X-Forwarded-Port", "65536"},
                                               {"X-Forwarded-Port", "8a"},
                                               {"Forwarded", "for=_hidden;by"},
                                               {"Forwarded", ";;=,\""},
                                               {"X-Forwarded", "for=192.0.2.1"},
                                               {"X-Forwarded-Server", "example.org"}}) {
    EXPECT_EQ(seen({field}), unchanged) << field.name << ": " << field.value;
  }
}

// Who wants to be somebody else sends a field that its proxy, which appends to it, would not.
TEST(Forwarded, nothing_a_client_sends_hides_what_its_proxy_adds) {
  for (const char* field : {"10.1.2.3:\", 203.0.113.9", "127.0.0.1:\", 203.0.113.9", "[2001:db8::66]:\", 203.0.113.9",
                            "\", 203.0.113.9", "\"a, b\", 203.0.113.9", "203.0.113.9,", ",203.0.113.9 ,, "}) {
    EXPECT_EQ(seen({{"X-Forwarded-For", field}}).peer, "203.0.113.9") << field;
  }
  for (const char* field : {"for=\"_x\\\"\", for=203.0.113.9", "for=\"[2001:db8::66]:\\\"\", for=\"203.0.113.9:99\"",
                            "for=\"abc, for=203.0.113.9", "for=10.1.2.3;proto=\", for=203.0.113.9", "=, for=203.0.113.9",
                            "for=203.0.113.9,", ", for=203.0.113.9;;by=x"}) {
    EXPECT_EQ(seen({{"Forwarded", field}}).peer, "203.0.113.9") << field;
  }
  EXPECT_EQ(seen({{"Forwarded", "for=\"open"}, {"Forwarded", "for=203.0.113.9"}}).peer, "203.0.113.9");
  EXPECT_EQ(seen({{"Forwarded", "for=10.1.2.3"}, {"Forwarded", "for=\"open"}}, "127.0.0.1, 10.0.0.0/8").peer, "127.0.0.1");
}

TEST(Forwarded, port_is_a_number_or_obfuscated) {
  EXPECT_EQ(seen({{"X-Forwarded-For", "192.0.2.1:4711"}}).peer, "192.0.2.1");
  EXPECT_EQ(seen({{"Forwarded", "for=\"192.0.2.1:_x.1\""}}).peer, "192.0.2.1");
  for (const char* wrong : {"192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "[2001:db8::1]4711"}) {
    EXPECT_EQ(seen({{"X-Forwarded-For", wrong}}).peer, "127.0.0.1") << wrong;
  }
}

TEST(Forwarded, port_alone_makes_no_authority) {
  Request request;
  request.peer = peer("127.0.0.1");
  std::vector<Field> fields = {{"X-Forwarded-Port", "8080"}};
  request.fields = fields;
  std::string storage;
  apply_forwarded(request, TrustedPeers("127.0.0.1"), storage);
  EXPECT_EQ(request.authority, "");
  EXPECT_FALSE(request.authority_is_forwarded);
}

// A proxy that writes the one kind may pass the other on as its client sent it.
TEST(Forwarded, the_standard_field_counts_only_where_the_others_are_not) {
  EXPECT_EQ(seen({{"Forwarded", "for=203.0.113.9;proto=https"}, {"X-Forwarded-For", "192.0.2.1"}}),
            (Seen{"192.0.2.1", "http", "inner:8000"}));
}

TEST(TrustedPeers, are_addresses_and_networks) {
  const TrustedPeers some("127.0.0.1, ::1,10.0.0.0/9,2001:db8::/33");
  for (const char* in : {"127.0.0.1", "::1", "10.127.0.1", "2001:db8:7fff::1"}) EXPECT_TRUE(some.contains(peer(in))) << in;
  for (const char* out : {"127.0.0.2", "::2", "10.128.0.1", "2001:db8:8000::1"}) EXPECT_FALSE(some.contains(peer(out))) << out;
  Peer local;
  local.family = Peer::Family::local;
  EXPECT_TRUE(some.contains(local));
  EXPECT_FALSE(TrustedPeers("").contains(local));
  EXPECT_FALSE(TrustedPeers("").contains(peer("127.0.0.1")));
  EXPECT_TRUE(TrustedPeers("*").contains(peer("192.0.2.1")));
  for (const char* wrong : {"localhost", "10.0.0.0/33", "10.0.0.0/", "1.2.3", "a,b", "::1/129"}) {
    EXPECT_THROW(TrustedPeers{wrong}, std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace corelab::test
