// No allocation a request once warm: through the driver, over a real socket.

#include <gtest/gtest.h>

#include "benchmarks/micro/allocations.hpp"
#include "tests/unit/connection_fixture.hpp"

namespace corelab::test {
namespace {

using micro::allocations;

Task<Response> inner(const Request&, Waiter& wait) {
  co_await wait.sleep(std::chrono::milliseconds(1));
  co_return fixed("Hello, World!");
}

App make_app() {
  App app;
  app.get("/plaintext", [](const Request&) { return fixed("Hello, World!"); });
  app.get("/owned", [](const Request&) { return text(std::string(100, ' ') + "Hello, World!"); });
  app.get("/coroutine", [](const Request&, Waiter&) -> Task<Response> { co_return fixed("Hello, World!"); });
  app.get("/nested", [](const Request& request, Waiter& wait) -> Task<Response> {
    co_return co_await inner(request, wait);
  });
  app.get("/offload", [](const Request&, Waiter& wait) -> Task<Response> {
    int result = 0;
    co_await wait.offload([&] { result = 1; });
    co_return fixed("Hello, World!");
  });
  app.post("/body", [](const Request& request) {
    return request.body.rest().empty() ? fixed("empty") : fixed("Hello, World!");
  });
  return app;
}

std::uint64_t allocations_of_warm_requests(const std::string& request, int answers_each = 1) {
  App app = make_app();
  ConnectionFixture fixture(app);
  constexpr int warm_up = 10, requests = 100;
  std::string_view answer;
  for (int i = 0; i < warm_up; ++i) answer = fixture.exchange(request);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.ends_with("Hello, World!"));
  std::uint64_t before = allocations();
  for (int i = 0; i < requests; ++i) answer = fixture.exchange(request);
  std::uint64_t after = allocations();
  EXPECT_TRUE(answer.ends_with("Hello, World!"));
  EXPECT_EQ(fixture.counters().requests, static_cast<std::uint64_t>((warm_up + requests) * answers_each));
  return after - before;
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
}

TEST(Allocations, are_counted) {
  std::uint64_t before = allocations();
  ::operator delete(::operator new(1));
  EXPECT_EQ(allocations() - before, 1u);
  EXPECT_GE(allocations_of_warm_requests(get("/owned")), 100u);
}

TEST(Allocations, none_for_a_plain_handler) {
  EXPECT_EQ(allocations_of_warm_requests(get("/plaintext")), 0u);
}

TEST(Allocations, none_for_a_coroutine_that_completes) {
  EXPECT_EQ(allocations_of_warm_requests(get("/coroutine")), 0u);
}

TEST(Allocations, none_for_nested_coroutines) { EXPECT_EQ(allocations_of_warm_requests(get("/nested")), 0u); }

TEST(Allocations, none_for_an_offloaded_call) {
  EXPECT_EQ(allocations_of_warm_requests(get("/offload")), 0u);
}

TEST(Allocations, none_for_pipelined_requests) {
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += get("/plaintext");
  EXPECT_EQ(allocations_of_warm_requests(requests, 16), 0u);
}

TEST(Allocations, none_for_request_bodies) {
  std::string head = "POST /body HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(allocations_of_warm_requests(head + "Content-Length: 5\r\n\r\nhello"), 0u);
  EXPECT_EQ(allocations_of_warm_requests(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            0u);
}

}  // namespace
}  // namespace corelab::test
