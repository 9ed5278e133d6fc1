// A real blocking library behind an endpoint: SQLite, with its table in a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/net/fd.hpp"

namespace corelab {

/// Made before threads and forks; opens the file once a thread, when that thread first asks, so that no handle crosses a
/// fork. The table is rows(id INTEGER PRIMARY KEY, value TEXT).
class Database {
 public:
  /// `path` empty: makes a temporary file with the rows 1 to 10,000, removed with this object by the process that made
  /// it, or, if that was killed, by the next one that makes such a file. Throws std::runtime_error if the file has no
  /// such table.
  explicit Database(const std::string& path);
  ~Database();
  Database(const Database&) = delete;

  /// The value of row `id`. Blocks; any thread. Throws std::runtime_error if the library fails.
  std::optional<std::string> value(std::uint64_t id) const;

 private:
  std::string path_;
  int maker_pid_ = 0;  // 0: the file is not ours
  Fd in_use_;          // of a temporary file: its lock says, in all processes that have it, that the file is needed
};

}  // namespace corelab
