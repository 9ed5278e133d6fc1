// Waiting as blocking cores do it: the thread waits.
#pragma once

#include "common/app/waiter.hpp"
#include "servers/driver/connection.hpp"
#include "servers/driver/poll.hpp"

namespace corelab {

/// Never suspends a handler. Watches the client meanwhile: a reset cancels the wait.
class BlockingWaiter final : public Waiter {
 public:
  explicit BlockingWaiter(Connection& connection) : connection_(connection) {}

 private:
  bool start(Operation& operation) override;
  Waited wait(Operation& operation);

  Connection& connection_;
};

}  // namespace corelab
