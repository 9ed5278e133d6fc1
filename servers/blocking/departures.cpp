#include "servers/blocking/departures.hpp"

#include <algorithm>
#include <utility>

namespace corelab {

namespace {

// As far as one look goes.
lingering::Client discard_some_input(int fd) {
  lingering::Client client = lingering::discard_input(fd);
  for (int reads = 1; reads < 16 && client == lingering::Client::sends; ++reads) {
    lingering::Client more = lingering::discard_input(fd);
    if (more == lingering::Client::is_silent) break;
    client = more;
  }
  return client;
}

}  // namespace

void Departures::add(Fd fd, Clock::time_point now, std::size_t most) {
  while (size_ > 0 && size_ >= most) {
    auto longest_waiting = std::find_if(waiting_.rbegin(), waiting_.rend(), [](const auto& stage) { return !stage.empty(); });
    longest_waiting->pop_front();
    --size_;
  }
  ++size_;
  Departure departure{std::move(fd), {}, now};
  departure.wait.begin(now);
  wait(std::move(departure), 0, now);
}

void Departures::wait(Departure departure, std::size_t stage, Clock::time_point now) {
  departure.due = now + intervals[stage];
  waiting_[stage].push_back(std::move(departure));
}

void Departures::look(Clock::time_point now, bool drains) {
  for (std::size_t stage = 0; stage < waiting_.size(); ++stage) {
    while (!waiting_[stage].empty() && waiting_[stage].front().due <= now) {
      Departure departure = std::move(waiting_[stage].front());
      waiting_[stage].pop_front();
      lingering::Client client = discard_some_input(departure.fd.get());
      bool sends = client == lingering::Client::sends;
      if (sends) departure.wait.heard(now);
      if (client == lingering::Client::has_closed || departure.wait.until(drains) <= now) {
        --size_;
        continue;
      }
      wait(std::move(departure), sends ? 0 : std::min(stage + 1, waiting_.size() - 1), now);
    }
  }
}

Deadline Departures::next_look() const {
  Deadline next = no_deadline;
  for (const auto& stage : waiting_) {
    if (!stage.empty()) next = std::min(next, stage.front().due);
  }
  return next;
}

void Departures::clear() {
  for (auto& stage : waiting_) stage.clear();
  size_ = 0;
}

}  // namespace corelab
