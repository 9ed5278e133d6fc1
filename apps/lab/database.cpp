#include "apps/lab/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace corelab {

namespace {

constexpr int rows_made = 10000;

class Connection {
 public:
  Connection(const std::string& path, int flags) {
    int status = sqlite3_open_v2(path.c_str(), &database_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (status != SQLITE_OK) fail("cannot open the database " + path);
    sqlite3_busy_timeout(database_, 5000);
  }
  ~Connection() {
    sqlite3_finalize(query_);
    sqlite3_close(database_);
  }
  Connection(const Connection&) = delete;

  void execute(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("cannot fill the database");
  }

  std::optional<std::string> value(std::uint64_t id) {
    constexpr const char* sql = "SELECT value FROM rows WHERE id = ?";
    if (query_ == nullptr && sqlite3_prepare_v2(database_, sql, -1, &query_, nullptr) != SQLITE_OK) {
      fail("cannot query the database (it needs a table rows(id INTEGER PRIMARY KEY, value TEXT))");
    }
    sqlite3_bind_int64(query_, 1, static_cast<sqlite3_int64>(id));
    std::optional<std::string> value;
    int status = sqlite3_step(query_);
    if (status == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(query_, 0));
      value.emplace(text == nullptr ? "" : text);
    }
    sqlite3_reset(query_);
    if (status != SQLITE_ROW && status != SQLITE_DONE) fail("cannot query the database");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) {
    std::string why = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
    throw std::runtime_error(what + ": " + why);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* query_ = nullptr;
};

constexpr std::string_view file_name = "corelab-db-XXXXXX";

// A file cannot lose its name right away: SQLite opens it by name, in each thread and in each worker that starts later.
// So a server that is killed leaves it behind, but nobody with a lock on it.
void remove_files_of_killed_servers(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    if (name.size() != file_name.size() || !name.starts_with(file_name.substr(0, file_name.find('X')))) continue;
    Fd fd(open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
  }
}

// Makes an empty file and says in `path` where.
Fd make_locked_file(const std::string& directory, std::string& path) {
  for (;;) {
    path = directory + "/" + std::string(file_name);
    Fd fd(mkostemp(path.data(), O_CLOEXEC));
    if (!fd) throw std::runtime_error("cannot make a temporary database " + path);
    // Another server may have looked at it before it was locked, and found it in nobody's use.
    struct stat status{};
    flock(fd.get(), LOCK_SH);
    if (fstat(fd.get(), &status) == 0 && status.st_nlink > 0) return fd;
  }
}

Fd make_file(std::string& path) {
  const char* chosen = std::getenv("TMPDIR");
  const std::string directory = chosen != nullptr ? chosen : "/tmp";
  remove_files_of_killed_servers(directory);
  Fd in_use = make_locked_file(directory, path);
  Connection connection(path, SQLITE_OPEN_READWRITE);
  // Nothing can be lost yet: no second file to leave behind, and no waiting for a disk that others keep busy.
  connection.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  connection.execute("CREATE TABLE rows(id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
  connection.execute(("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                      std::to_string(rows_made) +
                      ") INSERT INTO rows SELECT i, 'row ' || i || ' ' || hex(i * 2654435761) FROM n")
                         .c_str());
  return in_use;
}

}  // namespace

Database::Database(const std::string& path) : path_(path) {
  if (path.empty()) {
    in_use_ = make_file(path_);
    maker_pid_ = getpid();
  }
  Connection(path_, SQLITE_OPEN_READONLY).value(1);  // so that a wrong file is found at start
}

Database::~Database() {
  if (maker_pid_ == getpid()) unlink(path_.c_str());
}

std::optional<std::string> Database::value(std::uint64_t id) const {
  thread_local std::unique_ptr<Connection> connection;
  if (!connection) connection = std::make_unique<Connection>(path_, SQLITE_OPEN_READONLY);
  return connection->value(id);
}

}  // namespace corelab
