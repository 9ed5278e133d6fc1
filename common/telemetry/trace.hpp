// Where each request spent its time, as Chrome trace events: load the file into https://ui.perfetto.dev.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/telemetry/append_file.hpp"

namespace corelab {

/// Slices `accept`, `queued`, `handler`, `waiting` and `write`, one track a thread. Created before any fork; each
/// thread gathers its events and appends them in whole lines, so processes share the file.
class Trace {
 public:
  /// At most `limit` events a process; more are dropped, and their number is logged. Empties the file.
  Trace(const std::string& path, std::uint64_t limit);

  /// A slice on the calling thread's track. `name` is a literal, `connection` tells connections apart.
  void slice(const char* name, Clock::time_point start, Clock::time_point end, std::uint64_t connection);
  /// Names the calling thread's track.
  void name_thread(const std::string& name);

  /// Writes what the calling thread has gathered; call it before a thread ends.
  void flush_thread();
  /// The same before a process ends; says how many events its limit has cost.
  void end_process();
  /// Ends the file; only in the process that created the trace, after all others are gone.
  void finish();

 private:
  void append(std::string event);

  AppendFile file_;
  std::uint64_t limit_;
  std::atomic<std::uint64_t> events_{0};
};

}  // namespace corelab
