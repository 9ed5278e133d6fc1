// Connections that are being seen out (driver/lingering.hpp) beside threads that block.
#pragma once

#include <array>
#include <cstddef>
#include <deque>

#include "common/clock.hpp"
#include "common/net/fd.hpp"
#include "servers/driver/lingering.hpp"

namespace corelab {

/// One thread. It looks at its connections now and then, the longer they take the more seldom, instead of watching them:
/// nearly every client has closed by the first look, which costs one recv(2).
class Departures {
 public:
  /// A socket whose sending side is shut. Beyond `most` the one that has waited longest, or nearly, is reset.
  void add(Fd fd, Clock::time_point now, std::size_t most);
  /// Looks at those that are due. `drains`: the server does.
  void look(Clock::time_point now, bool drains);
  /// When it is to look again; no_deadline if nobody is left.
  Deadline next_look() const;
  bool empty() const { return size_ == 0; }
  void clear();

 private:
  struct Departure {
    Fd fd;
    lingering::Wait wait;
    Clock::time_point due;
  };
  static constexpr std::array<std::chrono::microseconds, 4> intervals = {
      std::chrono::microseconds(300), std::chrono::milliseconds(10), std::chrono::milliseconds(50),
      std::chrono::milliseconds(200)};

  void wait(Departure departure, std::size_t stage, Clock::time_point now);

  std::array<std::deque<Departure>, intervals.size()> waiting_;  // by how long they wait, each in the order they are due
  std::size_t size_ = 0;
};

}  // namespace corelab
