#pragma once
// Keep-alive clients that never pause and keep count of everything that can happen to a request: what tells a
// drain or a reload that loses nothing from one that does. Each client is a thread with one connection.

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/patience.hpp"

namespace corelab::test {

struct Tally {
  uint64_t answers = 0;  // whole, status 200, the expected body
  uint64_t idle_closes =
      0;                  // a reused connection closed before the first byte: the client asks again elsewhere
  uint64_t refusals = 0;  // connections refused: nobody listens any more
  uint64_t wrong_answers = 0;  // whole, but another status or body
  uint64_t short_answers = 0;  // cut off
  uint64_t lost = 0;           // a new connection closed without an answer
  uint64_t resets = 0;         // in connect or after it
  uint64_t timeouts = 0;
  std::string first_failure;

  // Everything that a request may not meet, refusals aside.
  uint64_t failures() const { return wrong_answers + short_answers + lost + resets + timeouts; }
  void add(const Tally& other);
};
std::ostream& operator<<(std::ostream& out, const Tally& tally);

class BusyClients {
 public:
  struct Target {
    std::string path;
    std::string body;  // expected
  };

  // Starts `count` clients that ask for the targets in turn until stop().
  BusyClients(std::string address, int count, std::vector<Target> targets);
  ~BusyClients();
  BusyClients(const BusyClients&) = delete;
  BusyClients& operator=(const BusyClients&) = delete;

  // Waits until `count` more answers have come. False when they do not within `within`.
  bool await_answers(uint64_t count, Millis within) const;
  // Lets every client finish its request, and sums up.
  Tally stop();

 private:
  void run(size_t first_target, Tally& tally);

  const std::string address_;
  const std::vector<Target> targets_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> answers_ = 0;
  std::vector<Tally> tallies_;
  std::vector<std::thread> threads_;
};

}  // namespace corelab::test
