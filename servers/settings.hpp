// Everything that flags, environment and file can set, as values. What each means for a user is said in
// program/options.cpp, where its flag is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/http/forwarded.hpp"
#include "common/http/limits.hpp"
#include "common/telemetry/log.hpp"

namespace corelab {

/// What a blocking core does with a connection whose client may send another request.
enum class KeepAlivePolicy {
  hold,   ///< its thread waits for it, whoever else waits: how a pool is starved
  yield,  ///< its thread waits for it until others wait for a thread
  close,  ///< every answer ends its connection
};

/// Python's lock: one for all threads of a process, or one for each thread, which then has an interpreter of its own.
enum class Gil { shared, own };

struct Settings {
  std::string core = "event-loop";
  std::string app = "lab";  ///< empty: a program's own
  std::vector<std::string> bind = {"127.0.0.1:8000"};
  unsigned workers = 0;  ///< 0 until resolved: the core's default
  unsigned backlog = 2048;
  unsigned worker_connections = 10000;

  std::chrono::milliseconds keep_alive{15000};  ///< 0: every answer ends its connection
  std::chrono::milliseconds head_timeout{10000};
  std::chrono::milliseconds body_timeout{30000};
  std::chrono::milliseconds write_timeout{60000};
  std::uint64_t body_rate = 0;   ///< bytes a second that a body has more time for than body_timeout; 0: none
  std::uint64_t write_rate = 0;  ///< the same of an answer and write_timeout
  std::chrono::milliseconds request_timeout{20000};  ///< below `timeout`, so that a slow handler costs no worker
  std::chrono::milliseconds timeout{30000};  ///< of the supervisor's patience with a worker; 0: endless
  std::chrono::milliseconds start_timeout{0};  ///< the same before it is ready; 0: four times `timeout`
  std::chrono::milliseconds graceful_timeout{30000};
  std::chrono::milliseconds drain_grace{500};
  KeepAlivePolicy keep_alive_policy = KeepAlivePolicy::yield;
  std::chrono::milliseconds slow_handler{0};  ///< one that holds its thread for longer is logged; 0: none
  std::uint64_t max_requests = 0;  ///< a worker process is replaced after that many; 0: never

  unsigned offload = 0;          ///< helper threads for blocking routes of a loop; 0: they run on the loop
  unsigned offload_threads = 4;  ///< helper threads for Waiter::offload on a loop
  unsigned thread_stack = 256;   ///< KiB of a serving thread's stack

  Limits limits;
  TrustedPeers forwarded_allow_ips{"127.0.0.1,::1"};  ///< whose word on X-Forwarded-… counts

  std::string access_log;  ///< empty: none
  std::string error_log = "-";
  log::Level log_level = log::Level::info;
  std::string pid_file;
  std::string trace;
  std::uint64_t trace_limit = 1'000'000;
  std::string control = "on";  ///< on, off, or the address that /healthz and /stats have to themselves

  std::string upstream;  ///< of the lab app
  std::string database;  ///< of the lab app; empty: a temporary file

  // Of a WSGI app.
  std::string app_dir = ".";
  std::string virtualenv;
  std::chrono::microseconds switch_interval{5000};
  bool preload = false;
  Gil gil = Gil::shared;
};

/// The settings in force. A reload publishes new ones and keeps the old for ever, so that a connection can hold on to
/// those it began with: some hundred bytes a HUP.
class SettingsStore {
 public:
  explicit SettingsStore(Settings initial) { publish(std::move(initial)); }

  /// Any thread.
  const Settings& current() const { return *current_.load(std::memory_order_acquire); }
  /// One thread at a time.
  void publish(Settings settings) {
    kept_.push_back(std::make_unique<const Settings>(std::move(settings)));
    current_.store(kept_.back().get(), std::memory_order_release);
  }

 private:
  std::vector<std::unique_ptr<const Settings>> kept_;
  std::atomic<const Settings*> current_{nullptr};
};

}  // namespace corelab
