// The command line: what it means, and what it refuses with a sentence.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "benchmarks/load/options.hpp"

namespace corelab::load {
namespace {

Options parse(std::vector<std::string> words) {
  words.insert(words.begin(), "corelab-load");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return parse_command_line(static_cast<int>(argv.size()), argv.data()).value();
}

TEST(LoadOptions, a_target_is_a_closed_loop) {
  const Options options = parse({"--target", "http://127.0.0.1:8000/json?x=1"});
  EXPECT_EQ(options.arrivals, Arrivals::closed);
  EXPECT_EQ(options.target.authority(), "127.0.0.1:8000");
  ASSERT_EQ(options.classes.size(), 1u);
  EXPECT_EQ(options.classes[0].path, "/json?x=1");
}

TEST(LoadOptions, a_rate_is_an_open_loop) {
  EXPECT_EQ(parse({"--target", "http://a", "--rate", "5"}).arrivals, Arrivals::poisson);
  EXPECT_EQ(parse({"--target", "http://a", "--rate", "5", "--arrivals", "fixed"}).arrivals, Arrivals::fixed);
}

TEST(LoadOptions, addresses) {
  EXPECT_EQ(parse({"--target", "http://[::1]:81"}).target.authority(), "[::1]:81");
  EXPECT_EQ(parse({"--target", "http://example/x"}).target.port, "80");
  EXPECT_EQ(parse({"--target", "http://[::1]/x"}).target.authority(), "[::1]:80");
  EXPECT_EQ(parse({"--target", "http://[::1]:8000/"}).target.host, "::1");
}

TEST(LoadOptions, a_query_without_a_path_is_of_the_root) {
  const Options options = parse({"--target", "http://host:1?x=/y:2"});
  EXPECT_EQ(options.target.authority(), "host:1");
  EXPECT_EQ(options.classes[0].path, "/?x=/y:2");
}

TEST(LoadOptions, the_scheme_is_in_any_case) {
  EXPECT_EQ(parse({"--target", "HTTP://host:1/x"}).target.authority(), "host:1");
}

std::string refusal(const std::vector<std::string>& words) {
  try {
    parse(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(LoadOptions, a_target_with_a_user_name_is_refused) {
  for (const char* url : {"http://user@host/", "http://user:word@host:1/", "http://user@[::1]:1/"}) {
    EXPECT_NE(refusal({"--target", url}).find("takes no user name"), std::string::npos) << url;
  }
  EXPECT_EQ(parse({"--target", "http://host/@"}).target.path, "/@");
}

TEST(LoadOptions, an_option_that_is_given_twice_is_refused_by_its_name) {
  EXPECT_EQ(refusal({"--target", "http://a", "--rate", "1", "--rate", "2"}),
            "--rate is given more than once and takes one value");
  EXPECT_EQ(refusal({"--target", "http://a", "--target", "http://b"}),
            "--target is given more than once and takes one value");
  EXPECT_EQ(refusal({"--target", "http://a", "--json", "x", "--json", "y"}),
            "--json is given more than once and takes one value");
}

TEST(LoadOptions, classes_have_weights_and_paths) {
  const Options options = parse({"--target", "http://a", "--class", "fast=95:/a?b=1:2", "--class", "slow=5:/c"});
  ASSERT_EQ(options.classes.size(), 2u);
  EXPECT_EQ(options.classes[0].path, "/a?b=1:2");
  EXPECT_EQ(options.classes[1].weight, 5);
}

TEST(LoadOptions, refusals) {
  const std::vector<std::vector<std::string>> refused = {
      {},
      {"--target", "https://a"},
      {"--target", "http://"},
      {"--target", "http://a:0"},
      {"--target", "http://a:http"},
      {"--target", "http://?x"},
      {"--target", "http://::1:80/"},
      {"--target", "http://[::1/"},
      {"--target", "http://[host]/"},
      {"--target", "http://[::1]x/"},
      {"--target", "http://a/#x"},
      {"--target", "http://a/b c"},
      {"--target", "http://a", "--arrivals", "poisson"},
      {"--target", "http://a", "--arrivals", "sometimes", "--rate", "1"},
      {"--target", "http://a", "--arrivals", "closed", "--rate", "1"},
      {"--target", "http://a", "--rate", "-1"},
      {"--target", "http://a", "--ramp"},
      {"--target", "http://a", "--rate", "1", "--ramp", "--warm-up", "1"},
      {"--target", "http://a", "--connections", "0"},
      {"--target", "http://a", "--duration", "0"},
      {"--target", "http://a", "--slow-read", "1", "--slow-send", "1"},
      {"--target", "http://a", "--class", "x"},
      {"--target", "http://a", "--class", "x=1"},
      {"--target", "http://a", "--class", "x=zero:/"},
      {"--target", "http://a", "--class", "x=0:/"},
      {"--target", "http://a", "--class", "x=1:here"},
      {"--target", "http://a", "--class", "x=1:/", "--class", "x=2:/"},
      {"--target", "http://a", "--idle", "1", "--connection-per-request"},
      {"--target", "http://a", "--idle", "1", "--slow-read", "1"},
      {"--target", "http://a", "--nosuch"},
  };
  for (const auto& words : refused) {
    EXPECT_THROW(parse(words), UsageError) << (words.empty() ? "nothing" : words.back());
  }
}

}  // namespace
}  // namespace corelab::load
