#include "servers/multi_reactor/asio_reactor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <atomic>

namespace corelab {

namespace {

namespace asio = boost::asio;
// With the executor's own type: the default one hides it behind virtual calls and a reference count, each wait.
using stream_descriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;
using boost::system::error_code;

// Asio calls the handlers of what was cancelled later: each holds on to what it needs until then. One thread, so the
// count is a plain one.
struct Watched : boost::intrusive_ref_counter<Watched, boost::thread_unsafe_counter> {
  Watched(asio::io_context& context, int fd, Watcher& owner) : descriptor(context, fd), watcher(&owner) {}

  // async_wait reports once; a lasting interest is armed again after each report, which costs the epoll_ctl a request
  // that this library is slower by. (async_read_some would read at once, and pay a failing recv a request instead.)
  void arm() {
    if (is_armed || watcher == nullptr) return;
    switch (interest) {
      case Interest::nothing: return;
      case Interest::hangup: arm(stream_descriptor::wait_error, {false, false, true}); return;
      case Interest::read: arm(stream_descriptor::wait_read, {true, false, false}); return;
      case Interest::write: arm(stream_descriptor::wait_write, {false, true, false}); return;
    }
  }

  void arm(stream_descriptor::wait_type what, Events events) {
    is_armed = true;
    descriptor.async_wait(what, [self = boost::intrusive_ptr(this), events](const error_code& error) {
      self->is_armed = false;
      if (self->watcher == nullptr) return;
      if (!error) self->watcher->on_ready(events);
      self->arm();
    });
  }

  stream_descriptor descriptor;
  Watcher* watcher;
  Interest interest = Interest::nothing;
  bool is_armed = false;
};

class AsioWatch final : public Watch {
 public:
  AsioWatch(asio::io_context& context, int fd, Watcher& watcher) : watched_(new Watched(context, fd, watcher)) {}

  ~AsioWatch() override {
    watched_->watcher = nullptr;
    watched_->descriptor.release();  // the descriptor is not ours to close
  }

  void want(Interest interest) override {
    if (interest == watched_->interest) return;
    watched_->interest = interest;
    if (watched_->is_armed) watched_->descriptor.cancel();
    watched_->arm();
  }

 private:
  boost::intrusive_ptr<Watched> watched_;
};

class AsioReactor final : public Reactor {
 public:
  std::unique_ptr<Watch> watch(int fd, Watcher& watcher) override {
    return std::make_unique<AsioWatch>(context_, fd, watcher);
  }

  void set_timer(Deadline when) override {
    if (when == no_deadline) return;
    timer_.expires_at(when);
    timer_.async_wait([this](const error_code& error) {
      if (!error) client_->on_timer();
    });
  }

  void wake() override {
    if (is_waking_.exchange(true)) return;
    asio::post(context_, [this] {
      is_waking_ = false;
      client_->on_wake();
    });
  }

  // What is ready at once is queued at once: what is posted now comes behind it.
  void notify_batch_end() override {
    asio::post(context_, [this] { client_->on_batch_end(); });
  }

  void run(ReactorClient& client) override {
    client_ = &client;
    auto work = asio::make_work_guard(context_);
    context_.run();
  }

  void stop() override { context_.stop(); }

 private:
  // Descriptors are used on this thread alone and need no lock; wake() goes through the scheduler, which keeps its own.
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::steady_timer timer_{context_};
  std::atomic<bool> is_waking_{false};
  ReactorClient* client_ = nullptr;
};

}  // namespace

std::unique_ptr<Reactor> make_asio_reactor() { return std::make_unique<AsioReactor>(); }

}  // namespace corelab
