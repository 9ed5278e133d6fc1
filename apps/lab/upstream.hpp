// A client of another HTTP server, over real sockets, that waits as its core waits.
#pragma once

#include <memory>
#include <string>

#include "common/app/task.hpp"
#include "common/app/waiter.hpp"
#include "common/http/message.hpp"
#include "common/net/address.hpp"

namespace corelab {

/// Any thread; keep-alive connections are pooled by thread.
class Upstream {
 public:
  explicit Upstream(const Address& address) : address_(address) {}

  /// GETs `target` and gives its body back as an answer of our own; 502 if the upstream fails.
  Task<Response> get(std::string target, Waiter& wait) const;

 private:
  Address address_;
};

}  // namespace corelab
