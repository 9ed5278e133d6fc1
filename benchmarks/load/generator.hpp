// The load itself: sees to each request when it is due, whatever became of those before it.
#pragma once

#include <utility>  // Asio 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "benchmarks/load/connection.hpp"
#include "benchmarks/load/gauge.hpp"
#include "benchmarks/load/request_mix.hpp"
#include "benchmarks/load/schedule.hpp"
#include "benchmarks/load/tally.hpp"

namespace corelab::load {

/// One run, on the calling thread. In an open loop a request that is due goes out on a connection drawn evenly from the
/// idle ones, or waits for one with its clock running; in a closed loop each connection asks again when it is answered.
class Generator final : private ConnectionOwner {
 public:
  explicit Generator(const Options& options);
  ~Generator();

  /// Called once a measured second.
  using EachSecond = std::function<void(unsigned second, const Second&)>;

  /// Connects, loads, waits for what is outstanding, and says what came of it. Throws boost::system::system_error if
  /// the target cannot be connected to, its name is unknown, or stop() came before either was known.
  Tally run(const EachSecond& each_second);
  /// Ends the run now, wherever it is; what is measured so far is its result. Async-signal-safe.
  void stop() { is_stopped_ = true; }

 private:
  class IdleHolder;

  void on_idle(Connection& connection) override;
  void on_answer(Connection& connection, const Request& request, const Answer& answer) override;
  void on_loss(Connection& connection, const Request& request, Loss why, Ns at) override;
  void on_retry(const Request& request) override;
  void on_connect_failed(Connection& connection, const std::string& why) override;

  void find_peer();
  void connect_all();
  void hold_idle();
  void load(const EachSecond& each_second);
  void issue_due();
  void sleep_until(Ns when);
  void handle_ready();
  void sweep(Ns at);
  void tick(Ns at);
  void end_second(const EachSecond& each_second);
  void give_up_the_rest();
  void send_on(Connection& connection, const Request& request);
  void send_queued_on(Connection& connection);
  Connection& take_random_idle();
  void lose(const Request& request, Loss why, Ns at);
  void flight_changes(const Request& request, int by, Ns at);
  void flight_ends(const Request& request, Ns at);
  bool is_measured(const Request& request) const { return request.due >= start_ && request.due < end_; }
  bool is_outstanding() const { return in_flight_ > 0 || !queue_.empty(); }
  void queue_changes(int by, Ns at) { queued_.change(by, at, start_, end_); }

  const Options& options_;
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  Ns timer_at_ = never;
  boost::asio::ip::tcp::endpoint peer_;
  std::unique_ptr<Schedule> schedule_;  // of an open loop
  RequestMix mix_;
  std::mt19937_64 choice_;

  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::deque<Request> queue_;  // due, and no connection is idle
  std::unique_ptr<IdleHolder> holder_;

  std::atomic<bool> is_stopped_{false};
  bool is_running_ = false;  // requests are sent
  Ns begin_ = never, start_ = never, end_ = never;  // of the load, of what is measured, of both
  Ns next_sweep_ = never, next_second_ = never;
  Ns next_tick_ = never;  // of a closed loop
  unsigned second_index_ = 0;
  Second second_;
  std::size_t in_flight_ = 0;
  std::vector<Gauge> flights_;  // of each class
  Gauge queued_;
  Tally tally_;
};

}  // namespace corelab::load
