#include "common/app/router.hpp"

#include <gtest/gtest.h>

#include "common/app/app.hpp"

namespace corelab {
namespace {

Handler says(const std::string& what) {
  return [what](const Request&) { return text(what); };
}

struct Answer {
  int status;
  std::string body, allow;
};

Answer ask(const Router& router, Method method, std::string_view path) {
  Request request;
  request.method = method;
  request.path = path;
  Response response = router.find(request).plain(request);
  std::string allow;
  for (const auto& [name, value] : response.headers()) {
    if (name == "Allow") allow = value;
  }
  const auto* body = std::get_if<std::string>(&response.body());
  return {response.status(), body == nullptr ? "" : *body, allow};
}

TEST(Router, finds_by_path_and_method) {
  Router router;
  router.add(Method::get, "/a", says("get a"));
  router.add(Method::post, "/a", says("post a"));
  router.add(Method::get, "/b", says("get b"));
  EXPECT_EQ(ask(router, Method::get, "/a").body, "get a");
  EXPECT_EQ(ask(router, Method::post, "/a").body, "post a");
  EXPECT_EQ(ask(router, Method::get, "/b").body, "get b");
  EXPECT_EQ(ask(router, Method::get, "/A").status, 404);
  EXPECT_EQ(ask(router, Method::get, "/a/").status, 404);
}

TEST(Router, head_is_answered_by_get) {
  Router router;
  router.add(Method::get, "/a", says("get a"));
  router.add(Method::post, "/b", says("post b"));
  EXPECT_EQ(ask(router, Method::head, "/a").body, "get a");
  EXPECT_EQ(ask(router, Method::head, "/b").status, 405);
}

TEST(Router, another_method_gets_405_and_what_is_allowed) {
  Router router;
  router.add(Method::get, "/a", says(""));
  router.add(Method::put, "/a", says(""));
  Answer refusal = ask(router, Method::del, "/a");
  EXPECT_EQ(refusal.status, 405);
  EXPECT_EQ(refusal.allow, "GET, HEAD, PUT");
  EXPECT_EQ(ask(router, Method::other, "/a").status, 405);
}

TEST(Router, paths_are_compared_percent_decoded) {
  Router router;
  router.add(Method::get, "/a b", says("a b"));
  router.add(Method::get, "/a", says("a"));
  EXPECT_EQ(ask(router, Method::get, "/a%20b").body, "a b");
  EXPECT_EQ(ask(router, Method::get, "/%61").body, "a");
  EXPECT_EQ(ask(router, Method::get, "/a%00").status, 404);
  EXPECT_EQ(ask(router, Method::get, "/a%zz").status, 400);
  EXPECT_EQ(ask(router, Method::get, "/a%2").status, 400);
}

TEST(Router, fallback_takes_what_no_route_takes) {
  Router router;
  router.add(Method::get, "/a", says("a"));
  router.add_fallback(says("other"));
  EXPECT_EQ(ask(router, Method::get, "/a").body, "a");
  EXPECT_EQ(ask(router, Method::post, "/a").body, "other");
  EXPECT_EQ(ask(router, Method::get, "/b").body, "other");
  EXPECT_EQ(ask(router, Method::get, "/%zz").body, "other");
  EXPECT_EQ(ask(router, Method::options, "*").body, "other");
}

TEST(Router, options_asterisk_asks_the_server) {
  EXPECT_EQ(ask(Router(), Method::options, "*").status, 204);
  EXPECT_EQ(ask(Router(), Method::options, "/").status, 404);
}

TEST(PercentDecode, decodes_or_says_no) {
  std::string decoded;
  EXPECT_TRUE(percent_decode("%41b%2f%00", decoded));
  EXPECT_EQ(decoded, std::string("Ab/\0", 4));
  EXPECT_TRUE(percent_decode("+", decoded));
  EXPECT_EQ(decoded, "+");
  for (const char* bad : {"%", "%1", "%g0", "%0g", "a%"}) EXPECT_FALSE(percent_decode(bad, decoded)) << bad;
}

TEST(Handler, has_one_of_two_forms_and_may_block) {
  Handler plain = says("x");
  EXPECT_TRUE(plain.plain);
  EXPECT_FALSE(plain.coroutine);
  EXPECT_FALSE(plain.blocks);
  Handler coroutine = [](const Request&, Waiter&) -> Task<Response> { co_return text("x"); };
  EXPECT_FALSE(coroutine.plain);
  EXPECT_TRUE(coroutine.coroutine);
  EXPECT_TRUE(blocks([](const Request&) { return text("x"); }).blocks);
}

}  // namespace
}  // namespace corelab
