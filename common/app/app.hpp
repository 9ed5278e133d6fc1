// The one application API: an App is a set of handlers, the same on every core.
//
//   App app;
//   app.get("/hello", [](const Request&) { return text("Hello\n"); });
//   app.get("/nap", [](const Request&, Waiter& wait) -> Task<Response> {
//     co_await wait.sleep(20ms);
//     co_return text("slept\n");
//   });
#pragma once

#include <string>
#include <utility>

#include "common/app/lifecycle.hpp"
#include "common/app/router.hpp"

namespace corelab {

/// Put together before the server starts and never changed after; its handlers run on many threads at once, or in
/// many processes. A handler that throws is answered 500; the exception's text goes to the log, never to the client.
class App {
 public:
  App& get(std::string path, Handler handler) { return route(Method::get, std::move(path), std::move(handler)); }
  App& post(std::string path, Handler handler) { return route(Method::post, std::move(path), std::move(handler)); }
  App& put(std::string path, Handler handler) { return route(Method::put, std::move(path), std::move(handler)); }
  App& del(std::string path, Handler handler) { return route(Method::del, std::move(path), std::move(handler)); }

  App& route(Method method, std::string path, Handler handler) {
    router_.add(method, std::move(path), std::move(handler));
    return *this;
  }
  /// Takes every request that no route takes.
  App& otherwise(Handler handler) {
    router_.add_fallback(std::move(handler));
    return *this;
  }
  /// What no route takes blocks: true of applications that are one handler, in a language of their own.
  bool otherwise_blocks() const { return router_.fallback_blocks(); }
  /// Takes every request: the program adds no path of its own (/healthz, /stats) beside it.
  App& everything(Handler handler) {
    takes_everything_ = true;
    return otherwise(std::move(handler));
  }
  bool takes_everything() const { return takes_everything_; }

  Lifecycle& lifecycle() { return lifecycle_; }
  const Lifecycle& lifecycle() const { return lifecycle_; }

  const Handler& find(const Request& request) const { return router_.find(request); }

 private:
  Router router_;
  bool takes_everything_ = false;
  Lifecycle lifecycle_;
};

}  // namespace corelab
