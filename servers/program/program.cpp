#include "servers/program/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/http/self_test.hpp"
#include "common/net/descriptor_limit.hpp"
#include "common/net/own_descriptors.hpp"
#include "common/telemetry/log.hpp"
#include "servers/processes/init.hpp"
#include "servers/processes/supervisor.hpp"
#include "servers/program/control.hpp"
#include "servers/program/control_app.hpp"
#include "servers/program/notify.hpp"
#include "servers/program/options.hpp"
#include "servers/program/pid_file.hpp"
#include "servers/program/signals.hpp"
#include "servers/program/spare_memory.hpp"
#include "servers/program/successor.hpp"
#include "servers/registry.hpp"

namespace corelab {

namespace {

void list_cores() {
  std::printf("%-22s %-24s %-20s %-34s %s\n", "core", "waiting", "unit", "distribution", "teaches");
  for (const CoreInfo* core : all_cores()) {
    std::printf("%-22s %-24s %-20s %-34s %s\n", core->name.data(), core->waiting.data(), core->unit.data(),
                core->distribution.data(), core->teaches.data());
  }
}

void list_cores_as_json() {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const CoreInfo* core : all_cores()) {
    list.push_back({{"name", core->name},
                    {"waiting", core->waiting},
                    {"unit", core->unit},
                    {"distribution", core->distribution},
                    {"teaches", core->teaches}});
  }
  std::cout << list.dump(2) << '\n';
}

/// Descriptors 0 to 2 are standard streams, or /dev/null: what is opened next must not become one of them.
void open_standard_streams() {
  while (true) {
    int fd = open("/dev/null", O_RDWR);
    if (fd > STDERR_FILENO) close(fd);
    if (fd < 0 || fd > STDERR_FILENO) return;
  }
}

std::vector<Address> addresses_of(const Settings& settings, const HandedSockets& handed) {
  std::vector<Address> addresses, control;
  for (const std::string& text : settings.bind) addresses.push_back(Address::parse(text));
  if (settings.control != "on" && settings.control != "off") control.push_back(Address::parse(settings.control));
  addresses = handed.instead_of(std::move(addresses), control);
  addresses.insert(addresses.end(), control.begin(), control.end());
  return addresses;
}

/// One line, in one write, so that whoever starts the program can wait for it.
void announce(const Program& program, const ListenerSet& listeners, const Settings& settings, const CoreInfo& core) {
  std::string line = program.name + ": listening on ";
  for (const Address& address : listeners.addresses()) {
    if (&address != &listeners.addresses().front()) line += ",";
    line += address.to_string();
  }
  line += " core=" + settings.core + " workers=" + std::to_string(settings.workers) + " pid=" + std::to_string(getpid());
  line += " (waiting: " + std::string(core.waiting) + "; unit: " + std::string(core.unit) +
          "; distribution: " + std::string(core.distribution) + ")\n";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

/// HUP. The same flags and variables are read again, and the file as it is now.
void reload(const Program& program, const Start& start, SettingsStore& settings, AccessLog& access_log) {
  notify::reloading();
  try {
    Start again = start;
    again.is_again = true;
    Settings wanted = read_command_line(again, program).settings;
    anchor_paths(wanted, start);
    for (const std::string& name : keep_what_needs_a_restart(settings.current(), wanted)) {
      log::warning("reload: --" + name + " stays as it was: it takes a restart to change it");
    }
    AppendFile{wanted.error_log, STDERR_FILENO};  // both logs change, or neither does
    access_log.open(wanted.access_log);
    log::open(wanted.error_log, wanted.log_level);
    settings.publish(std::move(wanted));
    log::info("reload: done");
  } catch (const std::exception& error) {
    log::error(std::string("reload: the old settings stay: ") + error.what());
  }
  notify::ready(false);
}

// Not before it serves: until then all of it is the predecessor's.
void take_over(ListenerSet& listeners, const PidFile& pid_file) try {
  listeners.take_over();
  pid_file.write();
} catch (const std::exception& error) {
  log::error(error.what());
}

const ServerContext* in_this_process = nullptr;

/// An error that nobody has caught, on whatever thread: one sentence, and an end as after any error.
[[noreturn]] void end_by_error() {
  try {
    if (std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    log::error("an error in the program: the process ends");
  } catch (const std::exception& error) {
    log::error(std::string("an error that nobody has caught: ") + error.what() + ": the process ends");
  } catch (...) {
    log::error("something was thrown that is no std::exception: the process ends");
  }
  if (in_this_process != nullptr) in_this_process->take_names_away();
  _exit(1);
}

int serve(const Program& program, const Start& start, Settings initial, const AppMaker& make_app) {
  check_parser();
  HandedSockets handed = HandedSockets::take();
  be_init_if_first();
  signals::catch_all();
  const CoreInfo& core = *find_core(initial.core);
  std::uint64_t descriptors = descriptor_limit::remember();

  anchor_paths(initial, start);
  SettingsStore settings(std::move(initial));
  const Settings& s = settings.current();
  log::open(s.error_log, s.log_level);
  AccessLog access_log;
  access_log.open(s.access_log);
  std::optional<Trace> trace;
  if (!s.trace.empty()) trace.emplace(s.trace, s.trace_limit);
  if (descriptors < s.worker_connections) {
    log::info("this process may have " + std::to_string(descriptors) +
              " descriptors: connections beyond that wait, though --worker-connections is larger");
  }

  // Generations of processes overlap while one replaces another.
  CounterBoard counters(core.has_processes() ? max_rows(s.workers) : s.workers);
  App app = make_app(s);
  std::optional<LockTimesBoard> lock_times;
  if (app.lifecycle().has_lock) {
    lock_times.emplace(counters.rows());
    share_one_arena();
  }
  App control_app;
  bool control_apart = s.control != "on" && s.control != "off";
  // An app that takes every request has no path to spare for them.
  if (control_apart || (s.control == "on" && !app.takes_everything())) {
    add_control_routes(control_apart ? control_app : app, counters, lock_times ? &*lock_times : nullptr, s.core, s.workers,
                       core.has_processes());
  }
  // Workers that have one connection each have nobody to spare for who watches a drain.
  bool keeps_control = control_apart && !core.serves_one_each();
  const pid_t predecessor = handed.predecessor;
  std::vector<Address> addresses = addresses_of(s, handed);
  ListenerSet listeners(addresses, core.own_queues ? s.workers : 1, static_cast<int>(s.backlog), keeps_control ? 1 : 0,
                        std::move(handed));
  Successor successor(start.directory);
  own_descriptors::add(listeners.descriptors());
  PidFile pid_file(s.pid_file);

  const std::string begins_answers = answer_start(program.name);
  ServerContext context{.app = app,
                        .control_app = control_app,
                        .control_listeners = control_apart ? 1u : 0u,
                        .settings = settings,
                        .listeners = listeners,
                        .counters = counters,
                        .first_row = 0,
                        .first_queue = 0,
                        .access_log = access_log,
                        .trace = trace ? &*trace : nullptr,
                        .successor = &successor,
                        .lock_times = lock_times ? &*lock_times : nullptr,
                        .program = program.name,
                        .answer_start = begins_answers,
                        .take_names_away = [&] {
                          pid_file.remove();
                          listeners.unlink_names();
                        }};
  in_this_process = &context;
  std::set_terminate(end_by_error);
  auto reload_settings = [&] { reload(program, start, settings, access_log); };
  auto announce_once = [&] {
    if (predecessor != 0) take_over(listeners, pid_file);
    announce(program, listeners, s, core);
    notify::ready(predecessor != 0);
    if (predecessor != 0 && getppid() == predecessor) kill(predecessor, SIGTERM);
  };
  int exit_code = 0;
  if (core.has_processes()) {
    auto all_serve = [&] {
      if (predecessor == 0) pid_file.write();
      announce_once();
    };
    exit_code = supervise(core, context, all_serve, reload_settings);
  } else {
    start_app(context);
    if (predecessor == 0) pid_file.write();
    exit_code = serve_to_the_end(core, context, {.reload = reload_settings}, announce_once);
  }
  if (trace) trace->finish();
  return exit_code;
}

int complain(const Program& program, const std::exception& error, int exit_code) {
  std::cerr << program.name + ": " << error.what() << '\n';
  return exit_code;
}

/// Without the directories.
std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

}  // namespace

int run_program(const Program& program, const std::vector<std::string>& arguments, const AppMaker& make_app,
                const AppCheck& check_app) {
  open_standard_streams();
  try {
    const Start start = Start::here(arguments);
    CommandLine line = read_command_line(start, program);
    if (check_app) check_app(line.settings);
    switch (line.action) {
      case CommandLine::Action::help: std::cout << line.help; return 0;
      case CommandLine::Action::list_cores: list_cores(); return 0;
      case CommandLine::Action::list_cores_as_json: list_cores_as_json(); return 0;
      case CommandLine::Action::check_config: std::cout << "the configuration is valid\n"; return 0;
      case CommandLine::Action::print_config: std::cout << to_toml(line.settings); return 0;
      case CommandLine::Action::serve: return serve(program, start, line.settings, make_app);
    }
    return 0;
  } catch (const UsageError& error) {
    return complain(program, error, 2);
  } catch (const std::exception& error) {
    return complain(program, error, 1);
  }
}

int run(int argc, char** argv, App app) {
  std::vector<std::string> words(argv, argv + argc);
  Program program;
  if (!words.empty()) {  // who starts a program may leave out even its name
    if (std::string name = file_name(words[0]); !name.empty()) program.name = name;
    words.erase(words.begin());
  }
  return run_program(program, words, [&app](const Settings&) { return std::move(app); });
}

}  // namespace corelab
