#include "servers/blocking/blocking_server.hpp"

#include <exception>

#include "common/telemetry/log.hpp"
#include "servers/blocking/serve.hpp"

namespace corelab {

BlockingServer::BlockingServer(const ServerContext& context, std::atomic<std::int64_t>* accepting)
    : context_(context), reception_(context_, *this, accepting) {}

void BlockingServer::start() {
  thread_.emplace(context_.settings.current().thread_stack, [this] { receive(); });
}

void BlockingServer::receive() {
  if (context_.trace) context_.trace->name_thread("reception");
  reception_.run();
  if (context_.trace) context_.trace->flush_thread();
  is_finished_ = true;
}

void BlockingServer::close_idle() { blocked_.wake_idle(static_cast<std::size_t>(-1)); }

void BlockingServer::on_waiting(unsigned newcomers) {
  if (!yields()) return;
  others_wait_ = newcomers > 0;
  blocked_.wake_idle(newcomers);
}

void BlockingServer::stop() {
  draining_ = true;
  reception_.stop_accepting();
  blocked_.cut_all();
  reception_.cut();
}

Worker BlockingServer::worker(std::size_t row) {
  return {.context = context_,
          .counters = context_.counters.row(context_.first_row + row),
          .sessions = sessions_,
          .draining = draining_,
          .others_wait = &others_wait_,
          .lock_times = context_.lock_times_of(context_.first_row + row)};
}

namespace {

// Out of memory, as a rule: its socket closes, the server goes on.
void say_that_it_is_dropped(const std::exception& error) {
  static log::Throttle throttle;
  if (throttle.is_due()) log::error(std::string("a connection is dropped: ") + error.what());
}

}  // namespace

void BlockingServer::on_connection(Accepted accepted, bool is_control) {
  ++open_;
  try {
    take(std::move(accepted), is_control);
  } catch (const std::exception& error) {
    say_that_it_is_dropped(error);
    ended();
  }
}

void BlockingServer::serve(Worker& worker, Accepted accepted, bool is_control) {
  try {
    Connection connection(worker, std::move(accepted), is_control);
    serve_blocking(connection, blocked_);
    release(connection);
  } catch (const std::exception& error) {
    say_that_it_is_dropped(error);
  }
  ended();
}

void BlockingServer::turn_away(Worker& worker, Accepted accepted, bool is_control) {
  {
    Connection connection(worker, std::move(accepted), is_control);
    connection.refuse({503, "there is no thread to serve this connection"});
    release(connection);
  }
  ended();
}

void BlockingServer::release(Connection& connection) {
  if (!connection.lingers()) return;
  lingering::begin(connection.fd());
  reception_.see_out(connection.take_fd());
}

void BlockingServer::ended() {
  --open_;
  reception_.on_end();
}

}  // namespace corelab
