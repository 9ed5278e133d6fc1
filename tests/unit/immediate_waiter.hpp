// A Waiter that does not wait, for handlers that are tested or measured without a core.
#pragma once

#include "common/app/waiter.hpp"

namespace corelab::test {

class ImmediateWaiter final : public Waiter {
 private:
  bool start(Operation& operation) override {
    if (operation.kind == Operation::Kind::offload) operation.call(operation.callable);
    operation.result = Waited::done;
    return false;
  }
};

}  // namespace corelab::test
