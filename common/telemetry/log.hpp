// What the server says of itself, on standard error or in --error-logfile. Synchronous: a logging thread would not
// survive a fork.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace corelab::log {

enum class Level { debug, info, warning, error };

/// Sends the log to `path` ("-" is standard error). Throws std::system_error, and goes on as before, if it cannot be
/// opened. Control thread only; the first time before other threads start.
void open(const std::string& path, Level level);
/// Opens the file again under its name (USR1, after a rotation). Throws as open() does. Control thread only.
void reopen();

/// One line each. Any thread.
void debug(std::string_view line);
void info(std::string_view line);
void warning(std::string_view line);
void error(std::string_view line);

/// For a line that may be due at every connection: true once a second at most. Any thread.
class Throttle {
 public:
  bool is_due();

 private:
  std::atomic<std::int64_t> next_ms_{0};
};

}  // namespace corelab::log
