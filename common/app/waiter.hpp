// How a handler waits. The three operations mean the same on every core; what differs is who else can work meanwhile:
// a core that blocks gives its thread to the waiting handler, a loop serves others.
#pragma once

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "common/clock.hpp"

namespace corelab {

enum class Waited {
  done,
  expired,    ///< its deadline, or the request's, has passed
  cancelled,  ///< the client is gone (its connection was reset), or the server's drain has outlived its limit
};

enum class Readiness { read, write };

/// One per request in flight; handed to coroutine handlers. Use it on the thread the handler runs on. Answers already
/// owed to the client are flushed before any operation waits. Once an operation has ended as expired or cancelled, so
/// does every later one, at once: a handler may tidy up, but cannot wait on.
class Waiter {
 public:
  virtual ~Waiter() = default;

  /// One wait, alive in the handler's frame from start to resumption. For those who implement cores.
  struct Operation {
    enum class Kind { sleep, ready, offload };
    Kind kind;
    Deadline deadline = no_deadline;
    Clock::duration duration{};                   // sleep
    int fd = -1;                                  // ready
    Readiness readiness = Readiness::read;        // ready
    void (*call)(void* callable) = nullptr;       // offload
    void* callable = nullptr;                     // offload
    Waited result = Waited::done;
    std::coroutine_handle<> handler;
  };

  /// `co_await wait.sleep(20ms)`: done after at least that long.
  auto sleep(Clock::duration duration, Deadline deadline = no_deadline) {
    Operation operation{Operation::Kind::sleep, deadline};
    operation.duration = duration;
    return Awaiter{*this, operation};
  }

  /// `co_await wait.ready(fd, Readiness::read)`: done when a read of `fd` (not blocking, and not a regular file) would
  /// not block, an error or the end of its stream included.
  auto ready(int fd, Readiness readiness, Deadline deadline = no_deadline) {
    Operation operation{Operation::Kind::ready, deadline};
    operation.fd = fd;
    operation.readiness = readiness;
    return Awaiter{*this, operation};
  }

  /// `co_await wait.offload([&] { ... })`: runs a call that blocks, on a helper thread where the core is a loop, in
  /// place where it is not. The handler goes on only after the call has returned, even if the result is `expired` or
  /// `cancelled` (the client has had its answer by then), so that the call may use the handler's variables. A call
  /// still queued when its deadline passes is never made. What it throws is thrown to the handler.
  template <class Callable>
  auto offload(Callable callable, Deadline deadline = no_deadline) {
    return OffloadAwaiter<Callable>{{*this, Operation{Operation::Kind::offload, deadline}}, std::move(callable), {}};
  }

 protected:
  /// Starts an operation. True: the handler is suspended and operation.handler will be resumed, on this thread, once
  /// operation.result is set. False: it has ended already.
  virtual bool start(Operation& operation) = 0;

 private:
  struct [[nodiscard]] Awaiter {
    Waiter& waiter;
    Operation operation;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handler) {
      operation.handler = handler;
      return waiter.start(operation);
    }
    Waited await_resume() const noexcept { return operation.result; }
  };

  template <class Callable>
  struct [[nodiscard]] OffloadAwaiter : Awaiter {
    Callable callable;
    std::exception_ptr failure;

    bool await_suspend(std::coroutine_handle<> handler) {
      this->operation.callable = this;
      this->operation.call = [](void* self) {
        auto& awaiter = *static_cast<OffloadAwaiter*>(self);
        try {
          awaiter.callable();
        } catch (...) {
          awaiter.failure = std::current_exception();
        }
      };
      return Awaiter::await_suspend(handler);
    }
    Waited await_resume() {
      if (failure) std::rethrow_exception(failure);
      return this->operation.result;
    }
  };
};

}  // namespace corelab
