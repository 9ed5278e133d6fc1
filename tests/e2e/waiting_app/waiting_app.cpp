// An application whose handlers wait with deadlines of their own, and that remembers how their waits ended, in memory
// that worker processes share.

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <corelab.hpp>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using corelab::Request;
using corelab::Response;
using corelab::Task;
using corelab::Waited;
using corelab::Waiter;

struct Endings {
  std::atomic<int> done{0}, expired{0}, cancelled{0};
};

Endings& endings() {
  static Endings* shared = new (
      mmap(nullptr, sizeof(Endings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Endings;
  return *shared;
}

Response remember(Waited how) {
  switch (how) {
    case Waited::done: ++endings().done; return corelab::text("done");
    case Waited::expired: ++endings().expired; return corelab::text("expired");
    case Waited::cancelled: ++endings().cancelled; return corelab::text("cancelled");
  }
  return corelab::text("?");
}

auto soon() { return std::chrono::steady_clock::now() + 50ms; }

}  // namespace

int main(int argc, char** argv) {
  endings();
  corelab::App app;
  app.get("/plaintext", [](const Request&) { return corelab::text("Hello, World!"); });
  // An error of a thread that nobody waits for.
  app.get("/uncaught", [](const Request&) {
    std::thread([] { throw std::runtime_error("of a thread"); }).detach();
    std::this_thread::sleep_for(10s);
    return corelab::text("?");
  });
  app.get("/endings", [](const Request&) {
    return corelab::text(std::to_string(endings().done) + " " + std::to_string(endings().expired) + " " +
                         std::to_string(endings().cancelled));
  });
  app.get("/sleep-short", [](const Request&, Waiter& wait) -> Task<Response> {
    co_return remember(co_await wait.sleep(10s, soon()));
  });
  app.get("/ready-short", [](const Request&, Waiter& wait) -> Task<Response> {
    int ends[2];
    if (pipe(ends) != 0) co_return corelab::text("no pipe", 500);
    Waited how = co_await wait.ready(ends[0], corelab::Readiness::read, soon());
    close(ends[0]);
    close(ends[1]);
    co_return remember(how);
  });
  app.get("/offload-short", [](const Request&, Waiter& wait) -> Task<Response> {
    co_return remember(co_await wait.offload([] { std::this_thread::sleep_for(1s); }, soon()));
  });
  app.get("/sleep-long", [](const Request&, Waiter& wait) -> Task<Response> {
    co_return remember(co_await wait.sleep(10s));
  });
  app.get("/offload", [](const Request&, Waiter& wait) -> Task<Response> {
    co_return remember(co_await wait.offload([] {}));
  });
  return corelab::run(argc, argv, std::move(app));
}
