#include "benchmarks/load/options.hpp"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

namespace corelab::load {

namespace {

constexpr double longest = 86'400;  // seconds
constexpr std::string_view scheme = "http://";

bool is_target_text(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool is_port(const std::string& text) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 && number <= 65535;
}

RequestClass parse_class(const std::string& text) {
  auto complain = [&text](const std::string& why) {
    throw UsageError("--class '" + text + "': " + why + " (use NAME=WEIGHT:PATH, as in fast=95:/plaintext)");
  };
  std::size_t equals = text.find('='), colon = text.find(':', equals == std::string::npos ? 0 : equals);
  if (equals == std::string::npos || colon == std::string::npos || equals == 0) complain("it has no name, weight and path");
  RequestClass parsed{text.substr(0, equals), 0, text.substr(colon + 1)};
  const char *begin = text.data() + equals + 1, *end = text.data() + colon;
  auto [stopped, error] = std::from_chars(begin, end, parsed.weight);
  if (error != std::errc() || stopped != end || !std::isfinite(parsed.weight) || parsed.weight <= 0) {
    complain("the weight is not a positive number");
  }
  if (parsed.path.empty() || parsed.path.front() != '/' || !is_target_text(parsed.path)) {
    complain("the path does not start with / or holds a character that no URI has");
  }
  return parsed;
}

std::vector<RequestClass> parse_classes(const std::vector<std::string>& texts, const std::string& default_path) {
  if (texts.empty()) return {{"all", 1, default_path}};
  std::vector<RequestClass> classes;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    classes.push_back(parse_class(text));
    if (!names.insert(classes.back().name).second) throw UsageError("--class: the name '" + classes.back().name + "' is taken");
  }
  return classes;
}

void check(const Options& options) {
  if (options.is_open() && options.rate <= 0) {
    throw UsageError("open arrivals need --rate, requests a second (or say --arrivals closed)");
  }
  if (!options.is_open() && options.rate > 0) {
    throw UsageError("--rate is for --arrivals poisson and fixed: a closed loop goes as fast as it is answered");
  }
  if (options.ramp && !options.is_open()) throw UsageError("--ramp needs open arrivals: give a --rate");
  if (options.ramp && options.warm_up > 0) throw UsageError("--ramp starts from nothing: it takes no --warm-up");
  if (options.classes.size() > 64) throw UsageError("--class: 64 classes at most");
  if (options.idle > 0 && (options.connection_per_request || options.slow_read)) {
    throw UsageError("--idle holds connections that stay open and watches them: not with --connection-per-request or --slow-read");
  }
  if (options.slow_read && options.slow_send) throw UsageError("--slow-read and --slow-send: take one of them");
}

}  // namespace

const char* to_string(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::poisson: return "poisson";
    case Arrivals::fixed: return "fixed";
    case Arrivals::closed: return "closed";
  }
  return "";
}

Target Target::parse(const std::string& url) {
  auto complain = [&url](const std::string& why) {
    throw UsageError("--target '" + url + "': " + why + " (use http://HOST:PORT/PATH)");
  };
  if (!starts_with_ignoring_case(url, scheme)) complain("only http:// is spoken");
  const std::string rest = url.substr(scheme.size());
  const std::size_t end = rest.find_first_of("/?#");
  const std::string authority = rest.substr(0, end);
  if (authority.find('@') != std::string::npos) complain("nobody is logged in: it takes no user name");
  Target target;
  if (end != std::string::npos) target.path = (rest[end] == '/' ? "" : "/") + rest.substr(end);
  const bool is_bracketed = authority.starts_with('[');
  const std::size_t host_end = is_bracketed ? authority.find(']') : authority.find(':');
  const std::size_t colon = is_bracketed && host_end != std::string::npos ? host_end + 1 : host_end;
  target.host = authority.substr(is_bracketed ? 1 : 0, is_bracketed ? host_end - 1 : host_end);
  if (is_bracketed && (host_end == std::string::npos || !is_ipv6(target.host))) complain("in brackets stands an IPv6 address");
  const bool has_port = colon != std::string::npos && colon < authority.size();
  target.port = has_port ? authority.substr(colon + 1) : "80";
  if ((has_port && authority[colon] != ':') || !is_port(target.port)) complain("the port is not a number from 1 to 65535");
  if (target.host.empty() || !is_target_text(target.host)) complain("it has no host");
  if (!is_target_text(target.path)) complain("the path holds a character that no URI has");
  return target;
}

std::string Target::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

std::optional<Options> parse_command_line(int argc, char** argv) {
  Options options;
  std::string url, arrivals;
  std::vector<std::string> classes;
  CLI::App app{
      "Sends HTTP/1.1 requests on a schedule of its own and says how long each took from when it was due, and what\n"
      "became of those that were never answered. Open loop with --rate, else a closed loop.",
      "corelab-load"};
  app.set_version_flag("--version", "corelab-load " CORELAB_VERSION);
  app.add_option("--target", url, "http://HOST:PORT/PATH")->required()->type_name("URL");
  app.add_option("--connections", options.connections, "connections kept open")
      ->type_name("N")->check(CLI::Range(1, 60000))->capture_default_str();
  app.add_option("--duration", options.duration, "seconds that are measured")
      ->type_name("S")->check(CLI::Range(0.01, longest))->capture_default_str();
  app.add_option("--warm-up", options.warm_up, "seconds of the same load before, not measured")
      ->type_name("S")->check(CLI::Range(0.0, longest))->capture_default_str();
  app.add_option("--rate", options.rate, "requests a second, for open arrivals")
      ->type_name("R")->check(CLI::Range(0.001, 1e7));
  app.add_option("--arrivals", arrivals,
                 "poisson (exponential gaps), fixed (equal gaps), or closed (each connection asks again when it is "
                 "answered) [poisson with --rate, else closed]")
      ->type_name("KIND")->check(CLI::IsMember({"poisson", "fixed", "closed"}));
  app.add_flag("--ramp", options.ramp, "the rate rises evenly from 0 to --rate over the duration");
  app.add_option("--seed", options.seed, "of the schedule, the mix and the choice of connections")
      ->type_name("K")->capture_default_str();
  app.add_option("--class", classes, "a class of requests with its share, e.g. slow=5:/block?ms=50; repeats")
      ->type_name("NAME=WEIGHT:PATH");
  app.add_option("--body", options.body, "POST this many bytes with each request [GET]")
      ->type_name("BYTES")->check(CLI::Range(1, 1 << 30));
  app.add_option("--timeout", options.timeout, "seconds from when a request was due until it is given up")
      ->type_name("S")->check(CLI::Range(0.001, longest))->capture_default_str();
  app.add_option("--grace", options.grace, "seconds after the end in which outstanding answers still count")
      ->type_name("S")->check(CLI::Range(0.0, longest))->capture_default_str();
  app.add_flag("--connection-per-request", options.connection_per_request, "connect for each request");
  app.add_option("--idle", options.idle, "further connections that ask once and then only stay open")
      ->type_name("N")->check(CLI::Range(0, 60000))->capture_default_str();
  app.add_option("--slow-send", options.slow_send, "send each request at this many bytes a second")
      ->type_name("BYTES/S")->check(CLI::Range(1.0, 1e9));
  app.add_option("--slow-read", options.slow_read, "read each answer at this many bytes a second")
      ->type_name("BYTES/S")->check(CLI::Range(1.0, 1e9));
  app.add_option("--spin", options.spin_us,
                 "microseconds before an arrival is due in which the generator watches the clock instead of sleeping; "
                 "0 spares the CPU and costs lag")
      ->type_name("US")->check(CLI::Range(0.0, 1e6))->capture_default_str();
  app.add_option("--max-lag", options.max_lag_ms, "milliseconds; a generator that is later (99th percentile) is INVALID")
      ->type_name("MS")->check(CLI::Range(0.0, 1e6))->capture_default_str();
  app.add_option("--max-unanswered", options.max_unanswered, "share of the requests; more without an answer is INVALID")
      ->type_name("SHARE")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  app.add_option("--min-kept", options.min_kept,
                 "share of what was due that must be sent by the end, and answered; less is INVALID: the rate was not kept")
      ->type_name("SHARE")->check(CLI::Range(0.0, 1.0))->capture_default_str();
  app.add_option("--json", options.json, "write the result to this file; - is standard output")->type_name("FILE");
  app.add_option("--ndjson", options.ndjson, "write a line a second to this file")->type_name("FILE");
  app.add_flag("--quiet", options.quiet, "no progress and no summary");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    app.exit(help_or_version);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    for (const CLI::Option* option : app.get_options()) {
      if (option->count() > 1 && option->get_expected_max() == 1) {
        throw UsageError(option->get_name() + " is given more than once and takes one value");
      }
    }
    throw UsageError(error.what());
  }
  options.target = Target::parse(url);
  static const std::map<std::string, Arrivals> kinds = {
      {"poisson", Arrivals::poisson}, {"fixed", Arrivals::fixed}, {"closed", Arrivals::closed}};
  options.arrivals = arrivals.empty() ? (options.rate > 0 ? Arrivals::poisson : Arrivals::closed) : kinds.at(arrivals);
  options.classes = parse_classes(classes, options.target.path);
  check(options);
  return options;
}

}  // namespace corelab::load
