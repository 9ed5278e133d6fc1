// Settings from flags, environment and file, in that precedence, and every check that needs no system call.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "servers/settings.hpp"

namespace corelab {

/// Something in flags, environment or file is wrong; what() is the sentence for the user. Exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The system does not let us. Exit code 1.
struct SystemError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whose settings they are.
struct Program {
  std::string name = "corelab";  ///< in its sentences, and in the Server field if it can stand there
  /// What --app may name (one that ends in a colon: whatever begins so). Empty: it serves one app of its own, and has no
  /// option that says something to those apps.
  std::vector<std::string> apps;
};

struct CommandLine {
  enum class Action { serve, list_cores, list_cores_as_json, check_config, print_config, help } action = Action::serve;
  std::string help;  ///< for Action::help: what to print
  Settings settings;
};

/// Where the program was started: what a reload reads again must mean what it meant then, though the application may
/// have changed directory and environment since.
struct Start {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> variables;  ///< CORELAB_*
  std::string directory;
  bool is_again = false;  ///< for a reload: what can be read once is gone
  static Start here(std::vector<std::string> arguments);
};

/// Reads everything. Throws UsageError or SystemError.
CommandLine read_command_line(const Start& start, const Program& program);

/// Makes the settings' paths absolute, from the directory of the start on.
void anchor_paths(Settings& settings, const Start& start);

/// As TOML that the --config of the same program takes.
std::string to_toml(const Settings& settings);

/// Names of what differs and only a restart can change (bind, core, app, …); takes it over from `running`.
std::vector<std::string> keep_what_needs_a_restart(const Settings& running, Settings& wanted);

}  // namespace corelab
