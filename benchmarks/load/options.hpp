// What a run is asked to do, as the command line says it.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace corelab::load {

/// The command line makes no sense; what() is the sentence. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Arrivals {
  poisson,  ///< open loop: independent users; the gaps are exponential
  fixed,    ///< open loop: equal gaps
  closed,   ///< each connection asks again as soon as it is answered
};

struct RequestClass {
  std::string name;
  double weight = 1;  ///< its share, relative to the others'
  std::string path;
};

struct Target {
  std::string host;  ///< numeric (IPv6 without its brackets) or a name
  std::string port;
  std::string path = "/";

  /// http://HOST[:PORT][/PATH][?QUERY], the scheme in any case; throws UsageError.
  static Target parse(const std::string& url);
  std::string authority() const;
};

struct Options {
  Target target;
  unsigned connections = 64;
  double duration = 10;  ///< seconds, measured
  double warm_up = 0;    ///< seconds of the same load before, not measured
  Arrivals arrivals = Arrivals::closed;
  double rate = 0;    ///< requests a second, of open arrivals
  bool ramp = false;  ///< the rate rises evenly from 0 to `rate` over the duration
  std::uint64_t seed = 1;
  std::vector<RequestClass> classes;  ///< never empty
  std::size_t body = 0;               ///< bytes; more than 0 makes every request a POST
  double timeout = 10;                ///< seconds from the intended start
  double grace = 1;                   ///< seconds after the end in which outstanding answers still count
  bool connection_per_request = false;
  unsigned idle = 0;                  ///< further connections that ask once and then only stay
  std::optional<double> slow_send;    ///< bytes a second of each request
  std::optional<double> slow_read;    ///< bytes a second of each answer
  double spin_us = 100;               ///< before an arrival is due, look at the sockets instead of sleeping
  double max_lag_ms = 1;              ///< validity: of the lag's 99th percentile
  double max_unanswered = 0.001;      ///< validity: share of the requests
  double min_kept = 0.98;             ///< validity: share of an open loop's requests that were sent by the end and answered
  std::string json;                   ///< file of the result; "-" is standard output
  std::string ndjson;                 ///< file of a line a second
  bool quiet = false;

  bool is_open() const { return arrivals != Arrivals::closed; }
};

/// Parses; prints help or version and returns nothing if that was asked for. Throws UsageError.
std::optional<Options> parse_command_line(int argc, char** argv);

const char* to_string(Arrivals arrivals);

}  // namespace corelab::load
