#include "servers/program/options.hpp"

#define TOML_HEADER_ONLY 0  // the compiled library; the header alone costs ten seconds a build
#include <toml++/toml.h>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "common/http/grammar.hpp"
#include "common/net/address.hpp"
#include "servers/program/cpus.hpp"
#include "servers/registry.hpp"

namespace corelab {

namespace {

using Values = std::vector<std::string>;

/// What an option says something to: any program's server, or to the apps that --app names, which a program that serves one
/// of its own does not have.
enum class Of { server, named_apps, lab, wsgi };

/// In an option's help it stands for what the program is called.
constexpr std::string_view program_name = "PROGRAM";

/// One setting: its name serves as flag (--name), variable (CORELAB_NAME) and key of the file.
struct Option {
  std::string name;
  std::string short_flag;  // with its dash and a comma, or empty
  std::string help;
  std::function<void(Settings&, const Values&)> set;  // throws UsageError without the option's name
  std::function<std::string(const Settings&)> to_toml;
  bool needs_restart = false;
  bool repeats = false;
  bool is_switch = false;  // given without a value it is on
  Of of = Of::server;
};

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

template <class Number>
Number number_from(const std::string& text, Number least, Number most) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !(number >= least && number <= most)) {
    std::ostringstream range;
    range << "'" << text << "' is not a number from " << least << " to " << most;
    throw UsageError(range.str());
  }
  return number;
}

template <class Number>
std::string plain(Number number) {
  std::ostringstream out;
  out << number;
  return out.str();
}

template <class Member>
Option count(std::string name, std::string help, Member Settings::*member, std::uint64_t least, std::uint64_t most) {
  return {std::move(name), "", std::move(help),
          [=](Settings& s, const Values& v) {
            s.*member = static_cast<Member>(number_from<std::uint64_t>(v.back(), least, most));
          },
          [=](const Settings& s) { return plain(s.*member); }};
}

Option limit(std::string name, std::string help, std::size_t Limits::*member, std::uint64_t least, std::uint64_t most) {
  return {std::move(name), "", std::move(help),
          [=](Settings& s, const Values& v) { s.limits.*member = number_from<std::uint64_t>(v.back(), least, most); },
          [=](const Settings& s) { return plain(s.limits.*member); }};
}

Option seconds(std::string name, std::string help, std::chrono::milliseconds Settings::*member, double least) {
  constexpr double most = 1e6;
  return {std::move(name), "", std::move(help),
          [=](Settings& s, const Values& v) {
            s.*member = std::chrono::milliseconds(std::llround(number_from<double>(v.back(), least, most) * 1000));
          },
          [=](const Settings& s) { return plain(static_cast<double>((s.*member).count()) / 1000); }};
}

Option switch_option(std::string name, std::string help, bool Settings::*member) {
  Option option{std::move(name), "", std::move(help),
                [=](Settings& s, const Values& v) {
                  if (v.back() != "on" && v.back() != "off") throw UsageError("'" + v.back() + "' is neither on nor off");
                  s.*member = v.back() == "on";
                },
                [=](const Settings& s) { return quoted(s.*member ? "on" : "off"); }};
  option.is_switch = true;
  return option;
}

Option text(std::string name, std::string help, std::string Settings::*member) {
  return {std::move(name), "", std::move(help), [=](Settings& s, const Values& v) { s.*member = v.back(); },
          [=](const Settings& s) { return quoted(s.*member); }};
}

template <class Enum>
Option choice(std::string name, std::string help, Enum Settings::*member,
              std::vector<std::pair<std::string, Enum>> choices) {
  return {std::move(name), "", std::move(help),
          [=](Settings& s, const Values& v) {
            std::string known;
            for (const auto& [word, value] : choices) {
              if (word == v.back()) {
                s.*member = value;
                return;
              }
              known += known.empty() ? word : ", " + word;
            }
            throw UsageError("'" + v.back() + "' is none of " + known);
          },
          [=](const Settings& s) {
            for (const auto& [word, value] : choices) {
              if (s.*member == value) return quoted(word);
            }
            return std::string();
          }};
}

Option on_restart(Option option) {
  option.needs_restart = true;
  return option;
}

/// What an app is made with takes a restart to change.
Option of(Of whom, Option option) {
  option.of = whom;
  return on_restart(std::move(option));
}

Option with_short_flag(Option option, std::string flag) {
  option.short_flag = std::move(flag) + ",";
  return option;
}

Option switch_interval_option() {
  return {"switch-interval", "",
          "WSGI app: seconds after which a thread that waits for Python's lock asks for it (sys.setswitchinterval)",
          [](Settings& s, const Values& v) {
            s.switch_interval = std::chrono::microseconds(std::llround(number_from<double>(v.back(), 1e-6, 100) * 1e6));
          },
          [](const Settings& s) { return plain(static_cast<double>(s.switch_interval.count()) / 1e6); }};
}

Option forwarded_allow_ips_option() {
  return {"forwarded-allow-ips", "",
          "proxies whose word on the client counts (X-Forwarded-For, -Proto, -Host, -Port, Forwarded): addresses and networks "
          "with commas, * for everybody, nothing for nobody",
          [](Settings& s, const Values& v) {
            try {
              s.forwarded_allow_ips = TrustedPeers(v.back());
            } catch (const std::invalid_argument& error) {
              throw UsageError(error.what());
            }
          },
          [](const Settings& s) { return quoted(s.forwarded_allow_ips.text()); }};
}

Option bind_option() {
  return {"bind", "-b,",
          "where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH; repeat it for several; port 0 picks a free one",
          [](Settings& s, const Values& v) { s.bind = v; },
          [](const Settings& s) {
            std::string list;
            for (const std::string& address : s.bind) list += (list.empty() ? "" : ", ") + quoted(address);
            return "[" + list + "]";
          },
          true, true};
}

const std::vector<Option>& all_options() {
  constexpr std::uint64_t mebibyte = 1 << 20;
  static const std::vector<Option> options = {
      on_restart(text("core", "which core serves; 'PROGRAM cores' lists them", &Settings::core)),
      of(Of::named_apps, text("app", "which app is served: lab, echo, or wsgi:MODULE:CALLABLE", &Settings::app)),
      bind_option(),
      on_restart(with_short_flag(
          count("workers", "threads of a pool, reactors, or processes; default: the CPUs this process may use, 4 a CPU "
                           "for pools",
                &Settings::workers, 1, 1024),
          "-w")),
      on_restart(count("backlog", "connections that may wait in the kernel to be accepted", &Settings::backlog, 1,
                       65535)),
      count("worker-connections", "most open connections per worker; beyond it, newcomers wait in the backlog",
            &Settings::worker_connections, 1, 1'000'000),
      seconds("keep-alive", "seconds an idle connection is kept; 0: every answer closes", &Settings::keep_alive, 0),
      choice("keep-alive-policy",
             "blocking cores: hold idle connections, yield them when others wait for a thread, or close after each "
             "answer",
             &Settings::keep_alive_policy,
             {{"hold", KeepAlivePolicy::hold}, {"yield", KeepAlivePolicy::yield}, {"close", KeepAlivePolicy::close}}),
      seconds("head-timeout", "seconds for a request's head to come (408)", &Settings::head_timeout, 0.001),
      seconds("body-timeout", "seconds for a request's body to come (408)", &Settings::body_timeout, 0.001),
      count("body-rate", "bytes a second: a body has a second more for each so many that have come; 0: no more time",
            &Settings::body_rate, 0, UINT64_MAX),
      seconds("write-timeout", "seconds for the client to take an answer, while it has one to take", &Settings::write_timeout,
              0.001),
      count("write-rate", "bytes a second: an answer has a second more for each so many that were taken; 0: no more time",
            &Settings::write_rate, 0, UINT64_MAX),
      seconds("request-timeout", "seconds for a handler to answer (504)", &Settings::request_timeout, 0.001),
      seconds("slow-handler",
              "seconds after which a handler that holds its loop or thread is logged, once a route, with its stack where there "
              "is one (WSGI); 0: never",
              &Settings::slow_handler, 0),
      seconds("timeout", "cores with processes: seconds after which a worker that hangs is replaced; 0: never",
              &Settings::timeout, 0),
      seconds("start-timeout",
              "cores with processes: seconds for a worker to import its application; 0: four times --timeout",
              &Settings::start_timeout, 0),
      seconds("graceful-timeout", "seconds that a drain may take", &Settings::graceful_timeout, 0),
      seconds("drain-grace", "seconds in which idle connections may still send a request while the server drains",
              &Settings::drain_grace, 0),
      count("max-requests", "cores with processes: requests after which a worker is replaced; 0: never",
            &Settings::max_requests, 0, UINT64_MAX),
      on_restart(count("offload", "loop cores: helper threads that run blocking routes; 0: they run on the loop",
                       &Settings::offload, 0, 4096)),
      on_restart(count("offload-threads", "loop cores: helper threads for what handlers offload themselves",
                       &Settings::offload_threads, 1, 4096)),
      on_restart(count("thread-stack", "blocking cores: KiB of stack of a serving thread", &Settings::thread_stack, 64,
                       65536)),
      limit("limit-request-line", "bytes of a request line (414)", &Limits::request_line, 16, mebibyte),
      limit("limit-request-fields", "header fields of a request (431)", &Limits::fields, 1, 10000),
      limit("limit-request-head", "bytes of a request's head (431)", &Limits::head, 64, mebibyte),
      limit("limit-request-body", "bytes of a request's body (413)", &Limits::body, 0, 1024 * 1024 * mebibyte),
      limit("body-buffer", "bytes of a request's body that are kept in memory; a larger one goes to a temporary file",
            &Limits::body_buffer, 0, 1024 * mebibyte),
      limit("body-memory", "bytes that all bodies together may take in memory, a process; beyond, they go there as well (0: any)",
            &Limits::body_memory, 0, 1024 * 1024 * mebibyte),
      limit("limit-chunk-overhead", "bytes of a chunked body's extensions (413), and of its trailers (431)",
            &Limits::chunk_overhead, 16, mebibyte),
      limit("limit-pipeline", "answers to pipelined requests that may gather before they are sent", &Limits::pipeline, 1,
            65536),
      limit("limit-output", "bytes of answers that may gather before reading pauses", &Limits::output, 1,
            64 * mebibyte),
      forwarded_allow_ips_option(),
      text("access-logfile", "file for a line per request; '-' is standard output; default: none",
           &Settings::access_log),
      text("error-logfile", "file for what the server says; '-' is standard error", &Settings::error_log),
      choice("log-level", "debug, info, warning or error", &Settings::log_level,
             {{"debug", log::Level::debug},
              {"info", log::Level::info},
              {"warning", log::Level::warning},
              {"error", log::Level::error}}),
      on_restart(text("pid", "file for the process id, removed in the end", &Settings::pid_file)),
      on_restart(text("trace", "file for a trace of all requests; https://ui.perfetto.dev opens it", &Settings::trace)),
      on_restart(count("trace-limit", "events a process may write to the trace", &Settings::trace_limit, 1,
                       UINT64_MAX)),
      on_restart(text("control", "/healthz and /stats: on (beside an app that does not take every path itself), off, or an address "
                              "of their own", &Settings::control)),
      of(Of::lab, text("upstream", "lab app: HOST:PORT of the server that /upstream asks", &Settings::upstream)),
      of(Of::lab, text("db", "lab app: SQLite file behind /db; default: a temporary one with 10,000 rows",
                       &Settings::database)),
      of(Of::wsgi, text("app-dir", "WSGI app: directory its module is looked for in first", &Settings::app_dir)),
      of(Of::wsgi, text("virtualenv", "WSGI app: virtual environment whose packages it uses; default: $VIRTUAL_ENV",
                        &Settings::virtualenv)),
      of(Of::wsgi, switch_interval_option()),
      of(Of::wsgi, switch_option("preload", "WSGI app, cores with processes: import it once, before the workers are forked",
                                 &Settings::preload)),
      of(Of::wsgi, choice("gil", "WSGI app: a lock for all threads of a process, or an interpreter with its own lock for each "
                                 "(Python 3.12 or newer)",
                          &Settings::gil, {{"shared", Gil::shared}, {"own", Gil::own}})),
  };
  return options;
}

bool has(const Program& program, const Option& option) { return option.of == Of::server || !program.apps.empty(); }

/// Null: `program` has no such option.
const Option* find_option(std::string_view name, const Program& program) {
  for (const Option& option : all_options()) {
    if (option.name == name && has(program, option)) return &option;
  }
  return nullptr;
}

std::string help_of(const Option& option, const Program& program) {
  std::string help = option.help;
  if (std::size_t at = help.find(program_name); at != std::string::npos) help.replace(at, program_name.size(), program.name);
  if (option.name != "workers") help += " [" + option.to_toml(Settings{}) + "]";
  return help;
}

/// Where a value comes from, for its error message.
struct Source {
  std::string name;
  Values values;
};
using Given = std::map<std::string, Source>;  // by option name

/// What a refusal calls an option: by where its value comes from.
std::string source_of(const std::string& name, const Given& given) {
  auto found = given.find(name);
  return found == given.end() ? "--" + name : found->second.name;
}

std::string variable_of(const std::string& name) {
  std::string variable = "CORELAB_" + name;
  for (char& c : variable) c = c == '-' ? '_' : grammar::upper(c);
  return variable;
}

Values split(const std::string& text, char separator) {
  Values parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  if (parts.empty()) parts.emplace_back();
  return parts;
}

void read_environment(const Start& start, Given& given, const Program& program) {
  for (const Option& option : all_options()) {
    if (!has(program, option)) continue;
    auto variable = start.variables.find(variable_of(option.name));
    if (variable == start.variables.end() || given.contains(option.name)) continue;
    const auto& [name, value] = *variable;
    given[option.name] = {name, option.repeats ? split(value, ',') : Values{value}};
  }
}

std::string value_text(const toml::node& node, const std::string& where) {
  if (auto text = node.value_exact<std::string>()) return *text;
  if (auto on = node.value_exact<bool>()) return *on ? "on" : "off";
  if (auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (auto number = node.value_exact<double>()) return plain(*number);
  throw UsageError(where + " is neither text nor a number");
}

/// The same file, whatever directory the process is in later.
void anchor(std::string& path, const std::string& directory) {
  if (!path.empty() && path != "-") path = std::filesystem::path(directory) / path;
}

// Its name is said as it was given.
std::string read_file(const std::string& path, const Start& start) {
  std::string anchored = path;
  anchor(anchored, start.directory);
  // Of a FIFO there is nothing to read again, and whoever opens it waits for a writer.
  std::error_code ignored;
  std::filesystem::file_status status = std::filesystem::status(anchored, ignored);
  if (start.is_again && std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw SystemError("the configuration file " + path + " is none that can be read again");
  }
  errno = 0;
  std::ifstream file(anchored);
  std::ostringstream content;
  if (file) content << file.rdbuf();
  if (!file || file.bad() || errno == EISDIR) {
    throw SystemError("cannot read the configuration file " + path + ": " + std::strerror(errno));
  }
  return content.str();
}

void read_config_file(const std::string& path, const Start& start, Given& given, const Program& program) {
  toml::table table;
  try {
    table = toml::parse(read_file(path, start), path);
  } catch (const toml::parse_error& error) {
    throw UsageError(path + ", line " + std::to_string(error.source().begin.line) + ": " +
                     std::string(error.description()));
  }
  for (auto&& [key, node] : table) {
    std::string name(key.str());
    std::string where = path + ": '" + name + "'";
    const Option* option = find_option(name, program);
    if (option == nullptr) {
      throw UsageError(where + " is no setting (" + program.name + " serve --help lists them, without dashes)");
    }
    if (given.contains(name)) continue;
    Source source{where, {}};
    if (const toml::array* list = node.as_array(); list != nullptr && option->repeats) {
      for (const toml::node& element : *list) source.values.push_back(value_text(element, where));
    } else {
      source.values.push_back(value_text(node, where));
    }
    if (source.values.empty()) throw UsageError(where + " is empty");
    given[name] = source;
  }
}

// Why a setting would do nothing on a core, and what to use instead; empty if it does something. Who asks for what does
// nothing has something else in mind.
std::string why_meaningless(const std::string& name, const CoreInfo& core) {
  if (name == "workers" && core.workers == CoreInfo::Workers::none) {
    return core.is_loop() ? "it is one loop; use --core multi-reactor or prefork-evented for several"
                          : "it has a thread for each connection; --worker-connections limits them";
  }
  if ((name == "timeout" || name == "start-timeout" || name == "max-requests") && !core.has_processes()) {
    return "it has no processes to replace; use --core prefork or prefork-evented (for a limit on each request: "
           "--request-timeout)";
  }
  if (name == "offload" && !core.is_loop()) return "its handlers run on threads of their own already";
  if (name == "offload-threads" && !core.is_loop()) return "what a handler offloads runs in its own thread";
  if (name == "keep-alive-policy" && core.waits != CoreInfo::Waiting::blocking) {
    return "idle connections hold no thread there; --keep-alive says how long they stay";
  }
  if (name == "thread-stack" && core.is_loop()) return "it is for cores with many threads";
  return {};
}

bool is_wsgi(const Settings& s) { return s.app.starts_with("wsgi:"); }

// The same for an app.
std::string why_meaningless(const Option& option, const Settings& s) {
  if (option.of == Of::lab && s.app != "lab") return "it is the lab's; use --app lab";
  if (option.of == Of::wsgi && !is_wsgi(s)) return "use --app wsgi:MODULE:CALLABLE";
  return {};
}

void check_wsgi(Settings& s, const CoreInfo& core, const Given& given) {
  std::size_t module = s.app.find(':') + 1, colon = s.app.find(':', module);
  if (colon == std::string::npos || colon == module || colon + 1 == s.app.size()) {
    throw UsageError(source_of("app", given) + ": '" + s.app +
                     "' is not wsgi:MODULE:CALLABLE, such as wsgi:myproject.wsgi:application");
  }
  if (s.preload && !core.has_processes()) {
    throw UsageError(source_of("preload", given) + " has no meaning on " + s.core +
                     ": it has no processes to fork; use --core prefork or prefork-evented");
  }
  if (s.gil == Gil::own && s.preload) {
    throw UsageError(source_of("gil", given) +
                     " own cannot go with --preload: interpreters of their own begin with their threads");
  }
  // Python's C code (regular expressions, templates) needs more stack than the cores' own.
  constexpr unsigned python_stack = 8192;
  if (!given.contains("thread-stack")) s.thread_stack = python_stack;
}

void refuse_what_has_no_meaning(const Settings& s, const CoreInfo& core, const Given& given, const Program& program) {
  for (const auto& [name, source] : given) {
    std::string why = why_meaningless(name, core);
    bool says_nothing = (name == "workers" && s.workers == 1) || (name == "offload" && s.offload == 0);
    if (!why.empty() && !says_nothing) throw UsageError(source.name + " has no meaning on " + s.core + ": " + why);
    if (std::string other = why_meaningless(*find_option(name, program), s); !other.empty()) {
      throw UsageError(source.name + " has no meaning for --app " + s.app + ": " + other);
    }
    if (name == "trace-limit" && s.trace.empty()) {
      throw UsageError(source.name + " has no meaning without --trace FILE");
    }
  }
}

void check_addresses(const Settings& s, const Given& given) {
  auto check = [&given](const std::string& option, const std::string& address, const std::string& else_what = "") {
    try {
      Address::parse(address);
    } catch (const std::invalid_argument& error) {
      throw UsageError(source_of(option, given) + else_what + ": " + error.what());
    }
  };
  for (const std::string& address : s.bind) check("bind", address);
  if (s.control != "on" && s.control != "off") check("control", s.control, " (on, off or an address)");
  if (s.upstream.empty()) return;
  const std::string source = source_of("upstream", given);
  check("upstream", s.upstream);
  Address upstream = Address::parse(s.upstream);
  if (!upstream.is_unix() && !Address::is_numeric(s.upstream)) {
    throw UsageError(source + ": '" + s.upstream + "' is not numeric; use an address such as 127.0.0.1:9000");
  }
  if (!upstream.is_unix() && upstream.port() == 0) throw UsageError(source + ": nobody listens on port 0");
  for (const std::string& text : s.bind) {
    if (Address::parse(text).reaches(upstream)) throw UsageError(source + ": " + s.upstream + " is this server itself");
  }
}

void check(Settings& s, const Given& given, const Program& program) {
  const CoreInfo* core = find_core(s.core);
  if (core == nullptr) {
    std::string known;
    for (const CoreInfo* each : all_cores()) known += (known.empty() ? "" : ", ") + std::string(each->name);
    throw UsageError(source_of("core", given) + ": there is no core '" + s.core + "'; choose one of " + known);
  }
  const std::vector<std::string>& apps = program.apps;
  bool is_known = apps.empty() || std::any_of(apps.begin(), apps.end(), [&s](const std::string& name) {
    return name.ends_with(':') ? s.app.starts_with(name) : s.app == name;
  });
  if (!is_known) {
    const std::string source = source_of("app", given);
    if (is_wsgi(s)) throw UsageError(source + ": this corelab was built without Python; choose lab or echo");
    throw UsageError(source + ": there is no app '" + s.app + "'; choose lab, echo or wsgi:MODULE:CALLABLE");
  }
  if (is_wsgi(s)) check_wsgi(s, *core, given);
  if (s.limits.request_line > s.limits.head) {
    throw UsageError("--limit-request-line (" + plain(s.limits.request_line) +
                     ") is larger than --limit-request-head (" + plain(s.limits.head) +
                     "), which holds it; lower the one or raise the other");
  }
  refuse_what_has_no_meaning(s, *core, given, program);
  check_addresses(s, given);
  if (core->serves_one_each()) s.worker_connections = 1;  // at most as many: kept by whatever was asked for
  if (s.workers == 0) {
    switch (core->workers) {
      case CoreInfo::Workers::none: s.workers = 1; break;
      case CoreInfo::Workers::threads: s.workers = 4 * usable_cpus(); break;
      default: s.workers = usable_cpus(); break;
    }
  }
}

}  // namespace

Start Start::here(std::vector<std::string> arguments) {
  std::error_code is_gone;  // (a relative path then means nothing, now or later)
  Start start{.arguments = std::move(arguments), .variables = {}, .directory = std::filesystem::current_path(is_gone)};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    std::size_t equals = text.find('=');
    if (text.starts_with("CORELAB_") && equals != std::string_view::npos) {
      start.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return start;
}

void anchor_paths(Settings& s, const Start& start) {
  for (std::string* path : {&s.access_log, &s.error_log, &s.pid_file, &s.trace, &s.database, &s.app_dir, &s.virtualenv}) {
    anchor(*path, start.directory);
  }
}

CommandLine read_command_line(const Start& start, const Program& program) {
  const std::vector<std::string>& arguments = start.arguments;
  const std::string& called = program.name;
  CommandLine result;
  CLI::App parser(called + ": one HTTP/1.1 application on interchangeable server cores", called);
  const std::string version = std::string("corelab ") + CORELAB_VERSION;
  parser.set_version_flag("--version", called == "corelab" ? version : called + " (" + version + ")");
  parser.require_subcommand(1);

  CLI::App* cores = parser.add_subcommand("cores", "list the cores");
  bool as_json = false;
  cores->add_flag("--json", as_json, "as JSON");

  CLI::App* serve = parser.add_subcommand("serve", "serve an app on a core");
  serve->footer(
      "Every option can also be set by an environment variable (CORELAB_KEEP_ALIVE=5) or in a TOML file\n"
      "(keep-alive = 5); a flag goes before a variable, a variable before the file.");
  std::map<std::string, Values> flags;
  for (const Option& option : all_options()) {
    if (!has(program, option)) continue;
    // CLI11 only collects the words: one reader serves flags, variables and the file.
    if (option.is_switch) {
      serve->add_flag_function("--" + option.name + "{1}", [&](std::int64_t n) {
        flags[option.name] = {n > 0 ? "on" : "off"};
      }, help_of(option, program));
      continue;
    }
    auto* flag = serve->add_option(option.short_flag + "--" + option.name, flags[option.name], help_of(option, program));
    flag->type_name("")->take_all()->expected(1)->allow_extra_args(false);
  }
  std::string config_file;
  serve->add_option("-c,--config", config_file, "TOML file (Env: CORELAB_CONFIG)")->type_name("FILE");
  bool check_only = false, print = false;
  serve->add_flag("--check-config", check_only, "check the configuration and end");
  serve->add_flag("--print-config", print, "print the configuration in effect, as TOML, and end");

  if (!arguments.empty() && !arguments[0].starts_with('-') && arguments[0] != "serve" && arguments[0] != "cores") {
    throw UsageError("there is no command '" + arguments[0] + "'; use serve or cores (" + called + " --help)");
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    parser.parse(reversed);
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream out, ignored;
    parser.exit(asked, out, ignored);
    result.action = CommandLine::Action::help;
    result.help = out.str();
    return result;
  } catch (const CLI::RequiredError&) {
    throw UsageError("say what to do: " + called + " serve or " + called + " cores (" + called + " --help)");
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string what = error.what();
    throw UsageError(what.substr(0, what.find(':')) + " needs a value (" + called + " serve --help lists the options)");
  } catch (const CLI::ParseError& error) {
    std::string sentence = error.what();
    sentence.erase(std::remove(sentence.begin(), sentence.end(), '\n'), sentence.end());
    throw UsageError(sentence + " (" + called + " serve --help lists the options)");
  }
  if (cores->parsed()) {
    result.action = as_json ? CommandLine::Action::list_cores_as_json : CommandLine::Action::list_cores;
    return result;
  }

  Given given;
  for (auto& [name, values] : flags) {
    if (!values.empty()) given[name] = {"--" + name, values};
  }
  read_environment(start, given, program);
  if (auto variable = start.variables.find("CORELAB_CONFIG"); config_file.empty() && variable != start.variables.end()) {
    config_file = variable->second;
  }
  if (!config_file.empty()) read_config_file(config_file, start, given, program);
  if (program.apps.empty()) result.settings.app.clear();
  for (const auto& [name, source] : given) {
    try {
      find_option(name, program)->set(result.settings, source.values);
    } catch (const UsageError& error) {
      throw UsageError(source.name + ": " + error.what());
    }
  }
  check(result.settings, given, program);
  if (check_only) result.action = CommandLine::Action::check_config;
  if (print) result.action = CommandLine::Action::print_config;
  return result;
}

std::string to_toml(const Settings& settings) {
  std::string text;
  const CoreInfo* core = find_core(settings.core);
  for (const Option& option : all_options()) {
    if (core != nullptr && !why_meaningless(option.name, *core).empty()) continue;
    if (!why_meaningless(option, settings).empty()) continue;
    if (option.of == Of::named_apps && settings.app.empty()) continue;
    if (option.name == "trace-limit" && settings.trace.empty()) continue;
    if (option.name == "worker-connections" && core != nullptr && core->serves_one_each()) continue;
    text += option.name + " = " + option.to_toml(settings) + "\n";
  }
  return text;
}

std::vector<std::string> keep_what_needs_a_restart(const Settings& running, Settings& wanted) {
  std::vector<std::string> names;
  for (const Option& option : all_options()) {
    if (option.needs_restart && option.to_toml(running) != option.to_toml(wanted)) names.push_back(option.name);
  }
  Settings merged = running;
  for (auto member : {&Settings::keep_alive, &Settings::head_timeout, &Settings::body_timeout, &Settings::write_timeout,
                      &Settings::request_timeout, &Settings::timeout, &Settings::start_timeout, &Settings::graceful_timeout,
                      &Settings::drain_grace, &Settings::slow_handler}) {
    merged.*member = wanted.*member;
  }
  merged.keep_alive_policy = wanted.keep_alive_policy;
  merged.worker_connections = wanted.worker_connections;
  merged.max_requests = wanted.max_requests;
  merged.body_rate = wanted.body_rate;
  merged.write_rate = wanted.write_rate;
  merged.limits = wanted.limits;
  merged.forwarded_allow_ips = wanted.forwarded_allow_ips;
  merged.access_log = wanted.access_log;
  merged.error_log = wanted.error_log;
  merged.log_level = wanted.log_level;
  wanted = merged;
  return names;
}

}  // namespace corelab
