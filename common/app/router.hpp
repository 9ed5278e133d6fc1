// Which handler answers which request.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/app/task.hpp"
#include "common/app/waiter.hpp"
#include "common/http/message.hpp"

namespace corelab {

/// A handler of one of two forms: one that answers at once, or a coroutine that may wait.
struct Handler {
  std::function<Response(const Request&)> plain;
  std::function<Task<Response>(const Request&, Waiter&)> coroutine;
  bool blocks = false;  ///< holds its thread for long: `--offload N` moves it off a loop

  Handler() = default;
  template <class F>
    requires std::is_invocable_r_v<Response, F, const Request&>
  Handler(F f) : plain(std::move(f)) {}  // NOLINT: implicit on purpose
  template <class F>
    requires std::is_invocable_r_v<Task<Response>, F, const Request&, Waiter&>
  Handler(F f) : coroutine(std::move(f)) {}  // NOLINT: implicit on purpose
};

/// Says that a plain handler blocks its thread: a blocking library, a real sleep.
template <class F>
  requires std::is_invocable_r_v<Response, F, const Request&>
Handler blocks(F f) {
  Handler handler(std::move(f));
  handler.blocks = true;
  return handler;
}

/// Exact paths, compared percent-decoded. Filled before the server starts, read by all threads after.
class Router {
 public:
  void add(Method method, std::string path, Handler handler);
  /// What answers every request that no route takes, whatever its method; without it they get 404 or 405.
  void add_fallback(Handler handler) { fallback_ = std::move(handler); }
  bool has_fallback() const { return fallback_.plain || fallback_.coroutine; }
  bool fallback_blocks() const { return fallback_.blocks; }

  /// The handler for a request; HEAD is answered by GET's. Never fails: an unknown path, a known path's other methods
  /// (RFC 9110 section 15.5.6) and an unknown method have handlers of their own.
  const Handler& find(const Request& request) const;

 private:
  struct Route {
    std::string path;
    std::vector<std::pair<Method, Handler>> handlers;
    Handler method_not_allowed;
  };
  const Route* find_path(std::string_view path) const;

  std::vector<Route> routes_;  // by length of path, then by path: most comparisons end at the length
  Handler fallback_;
};

/// Percent-decodes `text` (RFC 3986 section 2.1) into `decoded`; false if an escape is malformed.
bool percent_decode(std::string_view text, std::string& decoded);

}  // namespace corelab
