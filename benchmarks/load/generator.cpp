#include "benchmarks/load/generator.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <limits>

namespace corelab::load {

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr std::size_t no_place = std::numeric_limits<std::size_t>::max();
constexpr std::size_t connecting_at_once = 128;  // more would overflow a server's accept queue
constexpr Ns connect_limit = from_seconds(30);
constexpr Ns hold_limit = from_seconds(10);
constexpr Ns shortest_sweep = from_seconds(0.001), longest_sweep = from_seconds(0.05);

tcp::endpoint resolve(asio::io_context& context, const Target& target) {
  tcp::resolver resolver(context);
  return *resolver.resolve(target.host, target.port).begin();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto of = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

// Connections that ask once and then only stay: what they are told is none of the tally's business.
class Generator::IdleHolder final : private ConnectionOwner {
 public:
  IdleHolder(asio::io_context& context, const tcp::endpoint& peer, const Options& options, std::string_view bytes)
      : bytes_(bytes) {
    for (unsigned i = 0; i < options.idle; ++i) {
      connections_.push_back(std::make_unique<Connection>(context, peer, options, static_cast<ConnectionOwner&>(*this)));
    }
    for (std::size_t i = 0; i < connecting_at_once; ++i) open_next();
  }

  bool is_settled() const { return settled_ == connections_.size(); }
  unsigned established() const { return established_; }
  unsigned open() const {
    return static_cast<unsigned>(
        std::count_if(connections_.begin(), connections_.end(), [](const auto& one) { return one->is_open(); }));
  }

 private:
  void open_next() {
    if (opened_ < connections_.size()) connections_[opened_++]->open();
  }
  void on_idle(Connection& connection) override {
    if (connection.asked() == 0) connection.send(Request{now()}, bytes_);
  }
  void on_answer(Connection& connection, const Request&, int, Ns) override {
    ++established_;
    settle(connection);
  }
  void on_loss(Connection& connection, const Request&, Loss, Ns) override { settle(connection); }
  void on_retry(const Request&) override {}
  void on_gone(Connection&) override {}
  void on_connect_failed(Connection& connection, const std::string&) override { settle(connection); }
  void settle(Connection& connection) {
    connection.stay_closed_when_lost();
    ++settled_;
    open_next();
  }

  std::string_view bytes_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t opened_ = 0, settled_ = 0;
  unsigned established_ = 0;
};

// Three engines, so that neither the mix nor the schedule depends on how a server answers.
Generator::Generator(const Options& options)
    : options_(options),
      peer_(resolve(context_, options.target)),
      schedule_(options.is_open() ? std::make_unique<Schedule>(options.arrivals, options.rate,
                                                               options.ramp ? options.duration : 0, options.seed)
                                  : nullptr),
      mix_(options, options.seed + 1),
      choice_(options.seed + 2) {
  tally_.classes.resize(options.classes.size());
  for (unsigned i = 0; i < options.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(context_, peer_, options_, static_cast<ConnectionOwner&>(*this)));
    connections_.back()->place = no_place;
  }
}

Generator::~Generator() = default;

Tally Generator::run(const EachSecond& each_second) {
  auto work = asio::make_work_guard(context_);
  {
    tcp::socket probe(context_);
    probe.connect(peer_);
  }
  connect_all();
  load(each_second);
  give_up_the_rest();

  tally_.measured_seconds = seconds(end_ - start_);
  for (const auto& connection : connections_) {
    if (connection->asked() > 0 && connection->answers() == 0) ++tally_.starved_connections;
    tally_.answers_per_connection.push_back(connection->answers());
    tally_.connects += connection->connects();
  }
  if (holder_) tally_.idle_open_at_end = holder_->open();
  return std::move(tally_);
}

// --- Connecting ---

void Generator::connect_all() {
  Ns deadline = now() + connect_limit;
  if (options_.connection_per_request) {
    for (auto& connection : connections_) on_idle(*connection);
    tally_.connections_established = options_.connections;
  } else {
    std::size_t opened = 0;
    while (idle_.size() < connections_.size() && now() < deadline && !is_stopped_) {
      while (opened < connections_.size() && opened - idle_.size() < connecting_at_once) connections_[opened++]->open();
      sleep_until(std::min(deadline, now() + longest_sweep));
    }
    tally_.connections_established = static_cast<unsigned>(idle_.size());
  }
  if (options_.idle == 0) return;
  holder_ = std::make_unique<IdleHolder>(context_, peer_, options_, mix_.bytes(0));
  deadline = now() + hold_limit;
  while (!holder_->is_settled() && now() < deadline && !is_stopped_) {
    sleep_until(std::min(deadline, now() + longest_sweep));
  }
  tally_.idle_established = holder_->established();
}

// --- The load ---

void Generator::load(const EachSecond& each_second) {
  begin_ = now();
  start_ = begin_ + from_seconds(options_.warm_up);
  end_ = start_ + from_seconds(options_.duration);
  Ns last = end_ + from_seconds(options_.grace);
  const Ns sweep_each = std::clamp(from_seconds(options_.timeout / 200), shortest_sweep, longest_sweep);
  next_sweep_ = begin_ + sweep_each;
  next_second_ = start_ + from_seconds(1);
  in_flight_since_ = begin_;
  double cpu_before = cpu_seconds();
  is_running_ = true;
  if (!options_.is_open()) {
    for (Connection* connection : std::exchange(idle_, {})) {
      connection->place = no_place;
      on_idle(*connection);
    }
  }
  for (;;) {
    while (!queue_.empty() && !idle_.empty()) {  // to be sent again
      Request request = queue_.front();
      queue_.pop_front();
      send_on_random_idle(request);
    }
    issue_due();
    Ns at = now();
    if (is_stopped_ && at < end_) {
      end_ = std::max(at, start_ + 1);
      last = end_ + from_seconds(options_.grace);
    }
    if (at >= next_sweep_) {
      sweep(at);
      next_sweep_ = at + sweep_each;
    }
    if (at >= next_second_ && next_second_ <= end_) end_second(each_second);
    if (at >= end_) {
      is_running_ = false;
      if (!is_outstanding() || at >= last) break;
    }
    Ns due = schedule_ ? begin_ + schedule_->due() : never;
    sleep_until(std::min({due < end_ ? due : never, next_sweep_, at < end_ ? end_ : last,
                          next_second_ <= end_ ? next_second_ : never}));
  }
  in_flight_changes(0, now());
  tally_.cpu_seconds = cpu_seconds() - cpu_before;
}

// Handles what the sockets have until `when`, or until something has happened. The kernel's timers are some 50 µs late,
// more on a virtual machine: for the last stretch the clock is watched instead.
void Generator::sleep_until(Ns when) {
  Ns wake = when - from_seconds(options_.spin_us / 1e6);
  if (now() >= wake) {
    context_.poll();
    return;
  }
  if (wake < timer_at_) {
    timer_at_ = wake;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(wake)));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) timer_at_ = never;
    });
  }
  context_.run_one();
  context_.poll();
}

void Generator::issue_due() {
  if (!schedule_) return;
  for (;;) {
    Ns due = begin_ + schedule_->due();
    Ns at = now();
    if (due > at || due >= end_) return;
    schedule_->advance();
    Request request;
    request.due = due;
    request.class_index = mix_.draw();
    if (is_measured(request)) {
      ++tally_.classes[request.class_index].due;
      tally_.lag.add(at - due);
    }
    if (idle_.empty()) {
      queue_.push_back(request);
    } else {
      send_on_random_idle(request);
    }
  }
}

void Generator::send_on_random_idle(const Request& request) {
  Connection& connection =
      *idle_[std::uniform_int_distribution<std::size_t>(0, idle_.size() - 1)(choice_)];
  on_gone(connection);
  send_on(connection, request);
}

void Generator::send_on(Connection& connection, const Request& request) {
  Ns at = now();
  if (is_measured(request)) {
    Ns waited_from = std::min(request.due, at);
    tally_.queue_seconds += seconds(std::max<Ns>(std::min(at, end_) - waited_from, 0));
  }
  in_flight_changes(1, at);
  connection.send(request, mix_.bytes(request.class_index));
}

void Generator::sweep(Ns at) {
  Ns oldest = at - from_seconds(options_.timeout);
  while (!queue_.empty() && queue_.front().due <= oldest) {
    lose(queue_.front(), Loss::timeout, at);
    queue_.pop_front();
  }
  for (auto& connection : connections_) {
    if (connection->is_busy() && connection->request().due <= oldest) connection->abandon(Loss::timeout, true);
  }
}

void Generator::give_up_the_rest() {
  is_running_ = false;
  while (!queue_.empty()) {
    lose(queue_.front(), Loss::unfinished, now());
    queue_.pop_front();
  }
  for (auto& connection : connections_) {
    if (connection->is_busy()) connection->abandon(Loss::unfinished, false);
  }
}

void Generator::end_second(const EachSecond& each_second) {
  second_.in_flight = in_flight_;
  second_.queued = queue_.size();
  if (each_second) each_second(++second_index_, second_);
  second_ = {};
  next_second_ += from_seconds(1);
}

void Generator::in_flight_changes(int by, Ns at) {
  Ns from = std::max(in_flight_since_, start_), to = std::min(at, end_);
  if (to > from) tally_.flight_seconds += seconds(to - from) * static_cast<double>(in_flight_);
  in_flight_since_ = at;
  in_flight_ = static_cast<std::size_t>(static_cast<std::int64_t>(in_flight_) + by);
}

void Generator::flight_ends(const Request& request, Ns at) {
  in_flight_changes(-1, at);
  Ns within = std::min(at, end_) - std::max(request.sent, start_);
  tally_.flight_seconds_by_request += seconds(std::max<Ns>(within, 0));
}

// --- What connections report ---

void Generator::on_idle(Connection& connection) {
  if (!queue_.empty()) {
    Request request = queue_.front();
    queue_.pop_front();
    return send_on(connection, request);
  }
  if (is_running_ && !options_.is_open() && now() < end_) {
    Request request;
    request.due = now();
    request.class_index = mix_.draw();
    if (is_measured(request)) ++tally_.classes[request.class_index].due;
    return send_on(connection, request);
  }
  connection.place = idle_.size();
  idle_.push_back(&connection);
}

void Generator::on_answer(Connection&, const Request& request, int status, Ns at) {
  flight_ends(request, at);
  if (!is_measured(request)) return;
  Counts& counts = tally_.classes[request.class_index];
  ++counts.answered;
  if (at < end_) ++counts.answered_in_time;
  if (status >= 400) ++counts.bad_status;
  counts.response.add(at - request.due);
  counts.service.add(at - request.sent);
  counts.service_seconds += seconds(at - request.sent);
  ++second_.answered;
  second_.response.add(at - request.due);
}

void Generator::on_loss(Connection&, const Request& request, Loss why, Ns at) {
  flight_ends(request, at);
  lose(request, why, at);
}

void Generator::on_retry(const Request& request) {
  flight_ends(request, now());
  ++tally_.retried;
  queue_.push_front(request);
}

void Generator::on_gone(Connection& connection) {
  if (connection.place == no_place) return;
  idle_[connection.place] = idle_.back();
  idle_[connection.place]->place = connection.place;
  idle_.pop_back();
  connection.place = no_place;
}

void Generator::on_connect_failed(Connection&, const std::string& why) {
  if (tally_.first_problem.empty()) tally_.first_problem = why;
}

void Generator::lose(const Request& request, Loss why, Ns at) {
  if (!is_measured(request)) return;
  Counts& counts = tally_.classes[request.class_index];
  ++counts.lost[static_cast<std::size_t>(why)];
  counts.response.add(at - request.due);
  if (request.sent != never) counts.service.add(at - request.sent);
  ++second_.lost;
  second_.response.add(at - request.due);
}

}  // namespace corelab::load
