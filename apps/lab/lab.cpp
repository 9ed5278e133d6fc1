#include "apps/lab/lab.hpp"

#include <memory>

#include "apps/echo/echo.hpp"
#include "apps/lab/arguments.hpp"
#include "apps/lab/database.hpp"
#include "apps/lab/upstream.hpp"
#include "apps/lab/work.hpp"

namespace corelab {

namespace {

constexpr std::uint64_t most_bytes = 16 << 20;
constexpr std::uint64_t most_ms = 60'000;
constexpr std::uint64_t most_us = 60'000'000;

Response bytes(const Request& request) {
  Argument n(request, "n", most_bytes);
  return n.is_bad() ? n.refusal() : pattern(n.value());
}

Response cpu(const Request& request) {
  Argument us(request, "us", most_us);
  if (us.is_bad()) return us.refusal();
  burn_cpu(std::chrono::microseconds(us.value()));
  return text("burned " + std::to_string(us.value()) + " us\n");
}

// What waits may also compute (`&us=N`), as most handlers do.
Task<Response> sleep(const Request& request, Waiter& wait) {
  Argument ms(request, "ms", most_ms), us(request, "us", most_us, 0);
  if (ms.is_bad()) co_return ms.refusal();
  if (us.is_bad()) co_return us.refusal();
  if (us.value() > 0) burn_cpu(std::chrono::microseconds(us.value()));
  co_await wait.sleep(std::chrono::milliseconds(ms.value()));
  co_return text("slept " + std::to_string(ms.value()) + " ms\n");
}

Response block(const Request& request) {
  Argument ms(request, "ms", most_ms), us(request, "us", most_us, 0);
  if (ms.is_bad()) return ms.refusal();
  if (us.is_bad()) return us.refusal();
  if (us.value() > 0) burn_cpu(std::chrono::microseconds(us.value()));
  block_thread(std::chrono::milliseconds(ms.value()));
  return text("blocked " + std::to_string(ms.value()) + " ms\n");
}

Task<Response> offload(const Request& request, Waiter& wait) {
  Argument ms(request, "ms", most_ms);
  if (ms.is_bad()) co_return ms.refusal();
  co_await wait.offload([&] { block_thread(std::chrono::milliseconds(ms.value())); });
  co_return text("offloaded " + std::to_string(ms.value()) + " ms\n");
}

Handler database_handler(const std::string& file) {
  return blocks([database = std::make_shared<Database>(file)](const Request& request) {
    Argument id(request, "id", INT64_MAX);
    if (id.is_bad()) return id.refusal();
    std::optional<std::string> value = database->value(id.value());
    return value ? text(*value + "\n") : text("there is no such row\n", 404);
  });
}

Handler upstream_handler(const std::string& address) {
  if (address.empty()) {
    return [](const Request& request) {
      Argument ms(request, "ms", most_ms);
      return ms.is_bad() ? ms.refusal() : text("there is no upstream: start the server with --upstream HOST:PORT\n", 503);
    };
  }
  auto upstream = std::make_shared<Upstream>(Address::parse(address));
  return [upstream](const Request& request, Waiter& wait) -> Task<Response> {
    Argument ms(request, "ms", most_ms);
    if (ms.is_bad()) co_return ms.refusal();
    co_return co_await upstream->get("/sleep?ms=" + std::to_string(ms.value()), wait);
  };
}

}  // namespace

App make_lab_app(const Settings& settings) {
  App app;
  app.get("/plaintext", [](const Request&) { return fixed("Hello, World!"); });
  app.get("/json", [](const Request&) { return fixed(R"({"message":"Hello, World!"})", json_text); });
  app.get("/bytes", bytes);
  app.post("/echo", echo);
  app.get("/cpu", cpu);
  app.get("/sleep", sleep);
  app.get("/block", blocks(block));
  app.get("/offload", offload);
  app.get("/upstream", upstream_handler(settings.upstream));
  app.get("/db", database_handler(settings.database));
  return app;
}

}  // namespace corelab
