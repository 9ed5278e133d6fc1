#include "common/app/router.hpp"

#include <algorithm>

#include "common/http/grammar.hpp"

namespace corelab {

namespace {

const Handler not_found = [](const Request&) { return text("there is nothing at this path\n", 404); };
const Handler malformed_path = [](const Request&) { return text("the path holds a malformed percent escape\n", 400); };
const Handler method_unknown = [](const Request&) {
  Response refusal = text("the method is unknown\n", 501);
  refusal.close();  // whoever speaks so may mean another protocol
  return refusal;
};
const Handler server_options = [](const Request&) { return Response(204); };

Handler method_not_allowed(const std::string& allow) {
  return [allow](const Request&) {
    Response refusal = text("this path does not take that method\n", 405);
    refusal.header("Allow", allow);
    return refusal;
  };
}

template <class Routes>
auto lower_bound(Routes& routes, std::string_view path) {
  return std::lower_bound(routes.begin(), routes.end(), path, [](const auto& route, std::string_view wanted) {
    return route.path.size() != wanted.size() ? route.path.size() < wanted.size() : route.path < wanted;
  });
}

}  // namespace

void Router::add(Method method, std::string path, Handler handler) {
  auto place = lower_bound(routes_, path);
  if (place == routes_.end() || place->path != path) place = routes_.insert(place, Route{std::move(path), {}, {}});
  Route& route = *place;
  route.handlers.emplace_back(method, std::move(handler));
  std::string allow;
  for (const auto& [known, unused] : route.handlers) {
    if (!allow.empty()) allow += ", ";
    allow += to_string(known);
    if (known == Method::get) allow += ", HEAD";
  }
  route.method_not_allowed = method_not_allowed(allow);
}

const Router::Route* Router::find_path(std::string_view path) const {
  auto found = lower_bound(routes_, path);
  return found == routes_.end() || found->path != path ? nullptr : &*found;
}

const Handler& Router::find(const Request& request) const {
  const Route* route = find_path(request.path);
  if (route == nullptr && request.path.find('%') != std::string_view::npos) {
    std::string decoded;
    if (percent_decode(request.path, decoded)) {
      route = find_path(decoded);
    } else if (!has_fallback()) {
      return malformed_path;
    }
  }
  if (route != nullptr) {
    Method wanted = request.method == Method::head ? Method::get : request.method;
    for (const auto& [method, handler] : route->handlers) {
      if (method == wanted) return handler;
    }
  }
  if (has_fallback()) return fallback_;
  if (request.method == Method::unknown) return method_unknown;
  if (route != nullptr) return route->method_not_allowed;
  return request.path == "*" ? server_options : not_found;  // OPTIONS * asks the server, not a path
}

bool percent_decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !grammar::is_hex(text[i + 1]) || !grammar::is_hex(text[i + 2])) return false;
    decoded += static_cast<char>(grammar::hex_value(text[i + 1]) * 16 + grammar::hex_value(text[i + 2]));
    i += 2;
  }
  return true;
}

}  // namespace corelab
