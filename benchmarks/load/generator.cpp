#include "benchmarks/load/generator.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <chrono>
#include <optional>

#include "benchmarks/load/name_lookup.hpp"

namespace corelab::load {

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

constexpr std::size_t connecting_at_once = 128;  // more would overflow a server's accept queue
constexpr Ns connect_limit = from_seconds(30);
constexpr Ns hold_limit = from_seconds(10);
constexpr int most_events = 256;  // handled before the schedule is looked at again
constexpr Ns shortest_sweep = from_seconds(0.001), longest_sweep = from_seconds(0.05);
constexpr Ns tick_each = from_seconds(0.001);
constexpr auto stop_look = 20ms;  // while a name is looked up

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
  }

  /// Opens more, as far as not too many are under way.
  void open_more() {
    while (opened_ < connections_.size() && opened_ - settled_ < connecting_at_once) connections_[opened_++]->open();
  }
  bool is_settled() const { return settled_ == connections_.size(); }
  unsigned established() const { return established_; }
  unsigned open() const {
    return static_cast<unsigned>(
        std::count_if(connections_.begin(), connections_.end(), [](const auto& one) { return one->is_open(); }));
  }

 private:
  void on_idle(Connection& connection) override {
    if (connection.asked() == 0) connection.send(Request{.due = now()}, bytes_);
  }
  void on_answer(Connection& connection, const Request&, const Answer&) override {
    ++established_;
    settle(connection);
  }
  void on_loss(Connection& connection, const Request&, Loss, Ns) override { settle(connection); }
  void on_retry(const Request&) override {}
  void on_connect_failed(Connection&, const std::string&) override {}
  void settle(Connection& connection) {
    connection.retire();
    ++settled_;
  }

  std::string_view bytes_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t opened_ = 0, settled_ = 0;
  unsigned established_ = 0;
};

// Three engines, so that neither the mix nor the schedule depends on how a server answers.
Generator::Generator(const Options& options)
    : options_(options),
      schedule_(options.is_open() ? std::make_unique<Schedule>(options.arrivals, options.rate,
                                                               options.ramp ? options.duration : 0, options.seed)
                                  : nullptr),
      mix_(options, options.seed + 1),
      choice_(options.seed + 2) {
  tally_.classes.resize(options.classes.size());
  flights_.resize(options.classes.size());
}

Generator::~Generator() = default;

Tally Generator::run(const EachSecond& each_second) {
  auto work = asio::make_work_guard(context_);
  find_peer();
  for (unsigned i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(context_, peer_, options_, static_cast<ConnectionOwner&>(*this)));
  }
  connect_all();
  if (options_.idle > 0) hold_idle();
  load(each_second);
  give_up_the_rest();

  tally_.measured_seconds = seconds(end_ - start_);
  for (const auto& connection : connections_) {
    tally_.answers_per_connection.push_back(connection->answers());
    tally_.connects += connection->connects();
    if (connection->asked() == 0 || connection->answers() > 0) continue;
    ++tally_.starved_connections;
    for (std::size_t i = 0; i < tally_.classes.size(); ++i) {
      if (connection->asked_for(i)) ++tally_.classes[i].starved_connections;
    }
  }
  if (holder_) tally_.idle_open_at_end = holder_->open();
  return std::move(tally_);
}

// --- Connecting ---

// Tries every address of the name, as clients do, and keeps to the one that answers.
void Generator::find_peer() {
  Ns deadline = now() + connect_limit;
  NameLookup lookup(options_.target.host, options_.target.port);
  while (!lookup.wait(stop_look)) {
    if (is_stopped_) throw boost::system::system_error(asio::error::operation_aborted);
    if (now() >= deadline) throw boost::system::system_error(asio::error::timed_out);
  }
  const std::vector<tcp::endpoint> addresses = lookup.addresses();
  tcp::socket probe(context_);
  std::optional<boost::system::error_code> outcome;
  asio::async_connect(probe, addresses, [&](const boost::system::error_code& error, const tcp::endpoint& found) {
    outcome = error;
    peer_ = found;
  });
  while (!outcome && now() < deadline && !is_stopped_) sleep_until(std::min(deadline, now() + longest_sweep));
  if (!outcome) {
    probe.close();
    while (!outcome) context_.run_one();
  }
  if (*outcome) throw boost::system::system_error(*outcome);
}

void Generator::connect_all() {
  if (options_.connection_per_request) {
    for (auto& connection : connections_) on_idle(*connection);
    tally_.connections_established = options_.connections;
    return;
  }
  std::size_t opened = 0;
  Ns deadline = now() + connect_limit;
  while (idle_.size() < connections_.size() && now() < deadline && !is_stopped_) {
    while (opened < connections_.size() && opened - idle_.size() < connecting_at_once) connections_[opened++]->open();
    sleep_until(std::min(deadline, now() + longest_sweep));
  }
  tally_.connections_established = static_cast<unsigned>(
      std::count_if(connections_.begin(), connections_.end(), [](const auto& one) { return one->is_open(); }));
}

void Generator::hold_idle() {
  holder_ = std::make_unique<IdleHolder>(context_, peer_, options_, mix_.bytes(0));
  Ns deadline = now() + hold_limit;
  while (!holder_->is_settled() && now() < deadline && !is_stopped_) {
    holder_->open_more();
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
  double cpu_before = cpu_seconds();
  is_running_ = true;
  if (!options_.is_open()) {
    next_tick_ = start_;
    for (Connection* connection : std::exchange(idle_, {})) on_idle(*connection);
  }
  for (;;) {
    while (!queue_.empty() && !idle_.empty()) send_queued_on(take_random_idle());  // to be sent again
    issue_due();
    Ns at = now();
    if (is_stopped_) {
      start_ = std::min(start_, at);
      end_ = std::min(end_, std::max(at, start_ + 1));
      last = std::min(last, at);
    }
    if (at >= next_sweep_) {
      sweep(at);
      next_sweep_ = at + sweep_each;
    }
    tick(at);
    while (at >= next_second_ && next_second_ <= end_) end_second(each_second);
    if (at >= end_) {
      is_running_ = false;
      if (!is_outstanding() || at >= last) break;
    }
    Ns due = schedule_ ? begin_ + schedule_->due() : never;
    sleep_until(std::min({due < end_ ? due : never, next_sweep_, at < end_ ? end_ : last,
                          next_second_ <= end_ ? next_second_ : never, next_tick_ < end_ ? next_tick_ : never}));
  }
  Ns at = now();
  queue_changes(0, at);
  tally_.queue_seconds = queued_.value_seconds();
  for (std::size_t i = 0; i < flights_.size(); ++i) {
    flights_[i].change(0, at, start_, end_);
    tally_.classes[i].flight_seconds = flights_[i].value_seconds();
  }
  tally_.cpu_seconds = cpu_seconds() - cpu_before;
  tally_.load_seconds = seconds(at - begin_);
}

// Handles what the sockets have until `when`, or until something has happened. The kernel's timers are some 50 µs late,
// more on a virtual machine: before what a schedule brings the clock is watched instead for the last stretch.
void Generator::sleep_until(Ns when) {
  Ns wake = schedule_ ? when - from_seconds(options_.spin_us / 1e6) : when;
  if (now() >= wake) return handle_ready();
  if (wake < timer_at_) {
    timer_at_ = wake;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(wake)));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) timer_at_ = never;
    });
  }
  context_.run_one();
  handle_ready();
}

// Not poll(), which goes on as long as anything is ready: beside a fast server that is for ever.
void Generator::handle_ready() {
  for (int events = 0; events < most_events && context_.poll_one() > 0; ++events) {
  }
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
      tally_.classes[request.class_index].lag.add(at - due);
    }
    if (idle_.empty()) {
      queue_.push_back(request);
      queue_changes(1, at);
    } else {
      send_on(take_random_idle(), request);
    }
  }
}

Connection& Generator::take_random_idle() {
  std::size_t place = std::uniform_int_distribution<std::size_t>(0, idle_.size() - 1)(choice_);
  std::swap(idle_[place], idle_.back());
  Connection& connection = *idle_.back();
  idle_.pop_back();
  return connection;
}

void Generator::send_queued_on(Connection& connection) {
  Request request = queue_.front();
  queue_.pop_front();
  queue_changes(-1, now());
  send_on(connection, request);
}

void Generator::send_on(Connection& connection, const Request& request) {
  flight_changes(request, 1, now());
  connection.send(request, mix_.bytes(request.class_index));
}

void Generator::sweep(Ns at) {
  Ns oldest = at - from_seconds(options_.timeout);
  while (!queue_.empty() && queue_.front().due <= oldest) {
    lose(queue_.front(), Loss::timeout, at);
    queue_.pop_front();
    queue_changes(-1, at);
  }
  for (auto& connection : connections_) {
    if (connection->is_busy() && connection->request().due <= oldest) connection->abandon(Loss::timeout, true);
  }
}

// A closed loop that has no CPU asks less often, and its times are of its own absence: this is what shows it. Whatever
// sees to an answer is a look at the clock, too: a loop that has much to do is not late.
void Generator::tick(Ns at) {
  for (; next_tick_ <= at && next_tick_ < end_; next_tick_ += tick_each) tally_.loop_lag.add(at - next_tick_);
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

void Generator::flight_changes(const Request& request, int by, Ns at) {
  flights_[request.class_index].change(by, at, start_, end_);
  in_flight_ = static_cast<std::size_t>(static_cast<std::int64_t>(in_flight_) + by);
}

void Generator::flight_ends(const Request& request, Ns at) {
  flight_changes(request, -1, at);
  Ns within = std::min(at, end_) - std::max(request.sent, start_);
  tally_.classes[request.class_index].flight_seconds_by_request += seconds(std::max<Ns>(within, 0));
}

// --- What connections report ---

void Generator::on_idle(Connection& connection) {
  if (!queue_.empty()) return send_queued_on(connection);
  if (!is_running_ || options_.is_open() || now() >= end_) return idle_.push_back(&connection);
  Request request;
  request.due = now();
  request.class_index = mix_.draw();
  if (is_measured(request)) ++tally_.classes[request.class_index].due;
  send_on(connection, request);
}

void Generator::on_answer(Connection&, const Request& request, const Answer& answer) {
  tick(answer.at);
  flight_ends(request, answer.at);
  Counts& counts = tally_.classes[request.class_index];
  if (answer.at >= start_ && answer.at < end_) ++counts.answers_in_window;
  if (!is_measured(request)) return;
  ++counts.answered;
  counts.bytes += answer.bytes;
  if (request.sent < end_) ++counts.sent_in_time;
  ++counts.statuses[static_cast<std::size_t>(answer.status / 100)];
  counts.response.add(answer.at - request.due);
  counts.service.add(answer.at - request.sent);
  ++second_.answered;
  second_.response.add(answer.at - request.due);
}

void Generator::on_loss(Connection&, const Request& request, Loss why, Ns at) {
  flight_ends(request, at);
  lose(request, why, at);
}

void Generator::on_retry(const Request& request) {
  Ns at = now();
  flight_ends(request, at);
  ++tally_.retried;
  queue_.push_front(request);
  queue_changes(1, at);
}

void Generator::on_connect_failed(Connection&, const std::string& why) {
  if (tally_.first_problem.empty()) tally_.first_problem = why;
}

void Generator::lose(const Request& request, Loss why, Ns at) {
  if (!is_measured(request)) return;
  // A failure is no answer, however quick: it counts as if the request had been waited for until its time was up.
  Ns until = why == Loss::unfinished ? at : std::max(at, request.due + from_seconds(options_.timeout));
  Counts& counts = tally_.classes[request.class_index];
  ++counts.lost[static_cast<std::size_t>(why)];
  counts.response.add(until - request.due);
  if (request.sent != never) counts.service.add(until - request.sent);
  ++second_.lost;
  second_.response.add(until - request.due);
}

}  // namespace corelab::load
