#include "servers/event_loop/uv_reactor.hpp"

#include <fcntl.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "common/net/fd.hpp"

namespace corelab {

namespace {

void check(int status, const char* what) {
  if (status < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(status));
}

// Of one descriptor's number. To make one costs three system calls (uv_poll_init tries whether it can be polled), so it is
// kept for the next connection of that number, which the kernel gives away again soon.
struct PollHandle {
  uv_poll_t poll{};
  Watcher* watcher = nullptr;  // null: nobody's
  Interest interest = Interest::nothing;
};

class PollHandles {
 public:
  explicit PollHandles(uv_loop_t& loop) : loop_(loop) {}

  PollHandle& take(int fd, Watcher& watcher) {
    auto index = static_cast<std::size_t>(fd);
    if (by_fd_.size() <= index) by_fd_.resize(index + 1);
    std::unique_ptr<PollHandle>& handle = by_fd_[index];
    if (handle == nullptr) {
      auto fresh = std::make_unique<PollHandle>();
      check(uv_poll_init(&loop_, &fresh->poll, fd), "uv_poll_init");
      fresh->poll.data = fresh.get();
      handle = std::move(fresh);
    }
    handle->watcher = &watcher;
    return *handle;
  }

  void give(PollHandle& handle) {
    if (handle.interest != Interest::nothing) uv_poll_stop(&handle.poll);
    handle.interest = Interest::nothing;
    handle.watcher = nullptr;
  }

  /// For the loop's end, which lets go of them.
  void close_all() {
    for (auto& handle : by_fd_) {
      if (handle != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(&handle->poll), nullptr);
    }
  }

 private:
  uv_loop_t& loop_;
  std::vector<std::unique_ptr<PollHandle>> by_fd_;
};

class UvWatch final : public Watch {
 public:
  UvWatch(PollHandles& handles, int fd, Watcher& watcher) : handles_(handles), handle_(&handles.take(fd, watcher)) {}
  ~UvWatch() override { handles_.give(*handle_); }

  void want(Interest interest) override {
    if (interest == handle_->interest) return;
    handle_->interest = interest;
    switch (interest) {
      case Interest::nothing: uv_poll_stop(&handle_->poll); break;
      // No priority data is ever expected: what comes is EPOLLERR and EPOLLHUP, which cannot be turned off.
      case Interest::hangup: uv_poll_start(&handle_->poll, UV_PRIORITIZED, on_events); break;
      case Interest::read: uv_poll_start(&handle_->poll, UV_READABLE, on_events); break;
      case Interest::write: uv_poll_start(&handle_->poll, UV_WRITABLE, on_events); break;
    }
  }

 private:
  static void on_events(uv_poll_t* poll, int status, int events) {
    Events ready;
    ready.readable = (events & UV_READABLE) != 0;
    ready.writable = (events & UV_WRITABLE) != 0;
    ready.hangup = status < 0 || (events & UV_PRIORITIZED) != 0;
    auto& handle = *static_cast<PollHandle*>(poll->data);
    if (status < 0) handle.interest = Interest::nothing;  // libuv has stopped it: there may still be bytes to read
    handle.watcher->on_ready(ready);
  }

  PollHandles& handles_;
  PollHandle* handle_;
};

// libuv aborts the process where it has none for what it needs itself.
void require_descriptors() {
  std::array<Fd, 10> some;
  for (Fd& fd : some) {
    fd.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) throw std::system_error(errno, std::generic_category(), "an event loop cannot be made (raise ulimit -n)");
  }
}

class UvReactor final : public Reactor {
 public:
  UvReactor() {
    require_descriptors();
    check(uv_loop_init(&loop_), "uv_loop_init");
    uv_timer_init(&loop_, &timer_);
    uv_idle_init(&loop_, &batch_end_);
    check(uv_async_init(&loop_, &wake_, [](uv_async_t* h) { client(h).on_wake(); }), "uv_async_init");
    timer_.data = batch_end_.data = wake_.data = this;
  }

  ~UvReactor() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&batch_end_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
    handles_.close_all();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  std::unique_ptr<Watch> watch(int fd, Watcher& watcher) override {
    return std::make_unique<UvWatch>(handles_, fd, watcher);
  }

  void set_timer(Deadline when) override {
    if (when == no_deadline) return;
    // libuv counts from a time of its own, which is as old as the events at hand, in whole milliseconds.
    uv_update_time(&loop_);
    auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now());
    uv_timer_start(
        &timer_, [](uv_timer_t* h) { client(h).on_timer(); },
        static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 0)), 0);
  }

  void wake() override { uv_async_send(&wake_); }

  // An idle handle runs ahead of the next look at the kernel, which does not wait as long as there is one.
  void notify_batch_end() override {
    uv_idle_start(&batch_end_, [](uv_idle_t* h) {
      uv_idle_stop(h);
      client(h).on_batch_end();
    });
  }

  void run(ReactorClient& client) override {
    client_ = &client;
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

  void stop() override { uv_stop(&loop_); }

 private:
  template <class Handle>
  static ReactorClient& client(Handle* handle) {
    return *static_cast<UvReactor*>(handle->data)->client_;
  }

  uv_loop_t loop_{};
  uv_timer_t timer_{};
  uv_idle_t batch_end_{};
  uv_async_t wake_{};
  PollHandles handles_{loop_};
  ReactorClient* client_ = nullptr;
};

}  // namespace

std::unique_ptr<Reactor> make_uv_reactor() { return std::make_unique<UvReactor>(); }

}  // namespace corelab
