// What became of the requests: the figures that a run ends with, as plain data.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/load/latencies.hpp"

namespace corelab::load {

/// Why a request has no answer.
enum class Loss {
  connect,     ///< no connection could be made
  closed,      ///< the peer closed before its answer was complete
  reset,       ///< the peer reset the connection
  malformed,   ///< what came is no HTTP answer
  timeout,     ///< given up --timeout after it was due
  unfinished,  ///< --grace after the end there was still no answer
};
inline constexpr std::array losses = {Loss::connect,   Loss::closed,  Loss::reset,
                                      Loss::malformed, Loss::timeout, Loss::unfinished};
const char* to_string(Loss loss);

/// Of one class of requests, or of all.
struct Counts {
  std::uint64_t due = 0;       ///< requests whose time had come
  std::uint64_t answered = 0;  ///< in full, whatever the status
  std::uint64_t sent_in_time = 0;  ///< of these, those sent before the end, which may be answered behind it
  std::uint64_t answers_in_window = 0;  ///< answers within the measured time, to whatever request
  std::uint64_t bytes = 0;  ///< of the answered, heads included
  std::array<std::uint64_t, 10> statuses{};  ///< of the answered, by the first digit of their status
  std::array<std::uint64_t, losses.size()> lost{};
  /// From when it was due, and from when it was sent, to its answer. Those without one took at least as long as they
  /// waited, and at least --timeout if they failed before: a quick failure is no quick answer.
  Latencies response, service;
  Latencies lag;  ///< of the schedule: from when a request was due to when the generator saw to it
  /// Time of all requests between sending and answer, within the measured time: by a counter of those under way, and
  /// added up request by request.
  double flight_seconds = 0, flight_seconds_by_request = 0;
  unsigned starved_connections = 0;  ///< asked this, and never had an answer to anything

  std::uint64_t unanswered() const;
  std::uint64_t bad_statuses() const;  ///< of 400 or more
  void add(const Counts& others);
};

struct Second {
  std::uint64_t answered = 0, lost = 0, in_flight = 0, queued = 0;
  Latencies response;
};

struct Tally {
  std::vector<Counts> classes;
  double queue_seconds = 0;  ///< of all requests between due and sending, within the measured time
  double measured_seconds = 0;

  unsigned connections_established = 0;
  unsigned starved_connections = 0;  ///< asked something, and never had an answer
  std::vector<std::uint64_t> answers_per_connection;
  std::uint64_t connects = 0;  ///< that succeeded, the first ones included
  std::uint64_t retried = 0;   ///< sent again because a reused connection was closed before a byte of the answer
  unsigned idle_established = 0, idle_open_at_end = 0;

  Latencies loop_lag;  ///< of a closed loop, which has no schedule: how late it saw to each millisecond of the clock
  double cpu_seconds = 0;   ///< of the generator, from the warm-up to the end of the grace
  double load_seconds = 0;  ///< and how long that was
  std::string first_problem;  ///< of a connect

  Counts total() const;
};

}  // namespace corelab::load
