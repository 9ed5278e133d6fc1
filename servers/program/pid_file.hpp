// --pid: says where the process is, from when it can be connected to until its end.
#pragma once

#include <string>

namespace corelab {

/// Of the process that writes it; forked children leave it alone. Main thread, but for remove().
class PidFile {
 public:
  /// Empty: there is none.
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  ~PidFile() { remove(); }
  PidFile(const PidFile&) = delete;

  /// Throws SystemError.
  void write() const;
  /// If it is still this process's own: it may be a successor's. Any thread.
  void remove() const;

 private:
  const std::string path_;
};

}  // namespace corelab
