// Task<T>: a coroutine that a handler is, or calls. Starts when awaited or resumed; its frame comes from a per-thread
// pool, because compilers do not reliably elide the allocation.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <utility>

namespace corelab {

namespace detail {

/// Frames that nobody uses, of one size class.
struct FrameList {
  struct Node {
    Node* next;
  };
  Node* head = nullptr;
  std::size_t count = 0;
  ~FrameList() {
    while (head != nullptr) ::operator delete(std::exchange(head, head->next));
  }
};

/// Coroutine frames by size, a free list each. Frames are taken and given back on their connection's thread, so the
/// lists need no lock. What is beyond the largest class, or beyond `most` in a list, goes to the heap.
class FramePool {
 public:
  static void* take(std::size_t size) {
    std::size_t index = (size - 1) / step;
    if (index >= lists.size() || lists[index].head == nullptr) return ::operator new(rounded(size));
    FrameList::Node* node = lists[index].head;
    lists[index].head = node->next;
    --lists[index].count;
    return node;
  }

  static void give(void* frame, std::size_t size) noexcept {
    std::size_t index = (size - 1) / step;
    if (index >= lists.size() || lists[index].count == most) {
      ::operator delete(frame);
      return;
    }
    lists[index].head = new (frame) FrameList::Node{lists[index].head};
    ++lists[index].count;
  }

 private:
  static constexpr std::size_t step = 128, most = 256;
  static std::size_t rounded(std::size_t size) { return (size + step - 1) / step * step; }
  static inline thread_local std::array<FrameList, 16> lists;
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr failure;

  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { FramePool::give(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct ToContinuation {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return next; }
      void await_resume() noexcept {}
      std::coroutine_handle<> next;
    };
    return ToContinuation{continuation};
  }
  void unhandled_exception() { failure = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  std::coroutine_handle<Promise> get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T result() {
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  std::coroutine_handle<Promise> get_return_object() { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() {}
  void result() {
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace detail

/// Owns its frame. Not thread-safe: created, resumed and destroyed on one thread. What it throws comes out of
/// `co_await` or result().
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task() = default;
  Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}  // NOLINT: what get_return_object gives
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  /// Runs it from its start up to where it first suspends. Once.
  void start() { frame_.resume(); }
  explicit operator bool() const { return static_cast<bool>(frame_); }
  bool done() const { return frame_.done(); }
  T result() { return frame_.promise().result(); }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> frame;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        frame.promise().continuation = caller;
        return frame;
      }
      T await_resume() { return frame.promise().result(); }
    };
    return Awaiter{frame_};
  }

 private:
  std::coroutine_handle<promise_type> frame_;
};

}  // namespace corelab
