// One canned connection and its only step, which all three models take; they differ in who takes it and who
// waits.
#pragma once

#include <atomic>
#include <span>
#include <string_view>

#include "benchmarks/floor/canned.hpp"

namespace corelab::floor {

enum class Wants { read, write, close };

/// Owns its descriptor. May pass from thread to thread, but is used by one at a time.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }

  /// One recv into `buffer` (at most chunk_bytes) and, when it ended a request, one send of all the answers
  /// due; only the rest of an earlier short send instead, if there is one. Returns what to wait for before
  /// the next step. On a blocking socket the step itself waits.
  Wants step(const Canned& canned, std::span<char> buffer);

  /// For models that pass connections between threads: pass() when done with it, take() before touching it.
  /// The epoll set it travels through orders the two anyway, which neither the language nor a race detector
  /// can know; on x86 they are one plain store and one plain load.
  void pass() { passed_.store(true, std::memory_order_release); }
  void take() { static_cast<void>(passed_.load(std::memory_order_acquire)); }

 private:
  std::atomic<bool> passed_ = false;
  int fd_;
  RequestCounter counter_;
  std::string_view owed_;  ///< what a short send left, in the block of `canned`
};

}  // namespace corelab::floor
