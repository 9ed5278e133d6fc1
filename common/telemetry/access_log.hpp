// One line a request, in the common log format.
#pragma once

#include <atomic>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.hpp"
#include "common/telemetry/append_file.hpp"

namespace corelab {

class AccessLog {
 public:
  /// Logs to `path` from now on, opened again if it was open; empty: no longer. Control thread only. Throws
  /// std::system_error, and goes on as before, if it cannot be opened.
  void open(const std::string& path);

  /// Any thread.
  bool is_on() const { return is_on_.load(std::memory_order_acquire); }
  /// Any thread, while it is or was on. `body` is the answer's body in bytes, if it is known before it is sent.
  void write(const Request& request, int status, std::optional<std::size_t> body, std::time_t now) const;
  /// The same for a refusal of something that is no request.
  void write_refusal(const Peer& peer, int status, std::time_t now) const;

 private:
  void write_line(const Peer& peer, std::string_view asked, int status, std::optional<std::size_t> body,
                  std::time_t now) const;

  std::optional<AppendFile> file_;  // never closed once open: a thread may be writing to it
  std::atomic<bool> is_on_{false};
};

}  // namespace corelab
