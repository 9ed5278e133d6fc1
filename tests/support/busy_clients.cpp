#include "tests/support/busy_clients.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>
#include <utility>

#include "tests/support/client.hpp"

namespace corelab::test {

void Tally::add(const Tally& other) {
  answers += other.answers;
  idle_closes += other.idle_closes;
  refusals += other.refusals;
  wrong_answers += other.wrong_answers;
  short_answers += other.short_answers;
  lost += other.lost;
  resets += other.resets;
  timeouts += other.timeouts;
  if (first_failure.empty()) first_failure = other.first_failure;
}

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
  out << tally.answers << " answers, " << tally.idle_closes << " closes of an idle connection, "
      << tally.refusals << " refusals; wrong " << tally.wrong_answers << ", short " << tally.short_answers
      << ", lost " << tally.lost << ", resets " << tally.resets << ", time-outs " << tally.timeouts;
  if (!tally.first_failure.empty()) out << " (first: " << tally.first_failure << ")";
  return out;
}

BusyClients::BusyClients(std::string address, int count, std::vector<Target> targets)
    : address_(std::move(address)), targets_(std::move(targets)), tallies_(static_cast<size_t>(count)) {
  for (size_t i = 0; i < tallies_.size(); ++i) threads_.emplace_back([this, i] { run(i, tallies_[i]); });
}

BusyClients::~BusyClients() { stop(); }

bool BusyClients::await_answers(uint64_t count, Millis within) const {
  const uint64_t goal = answers_ + count;
  return eventually([&] { return answers_ >= goal; }, within);
}

Tally BusyClients::stop() {
  stop_ = true;
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  Tally sum;
  for (const auto& tally : tallies_) sum.add(tally);
  return sum;
}

void BusyClients::run(size_t first_target, Tally& tally) {
  const auto fail = [&](uint64_t& counter, const std::string& what) {
    ++counter;
    if (tally.first_failure.empty()) tally.first_failure = what;
  };
  std::optional<Client> client;
  bool reused = false;
  for (size_t turn = first_target; !stop_;) {
    if (!client) {
      int error = 0;
      client = Client::connect(address_, Client::kPatience, error);
      reused = false;
      if (!client) {
        if (error == ECONNREFUSED) {
          ++tally.refusals;
        } else {
          fail(error == ETIMEDOUT ? tally.timeouts : tally.resets,
               std::string("connect: ") + std::strerror(error));
        }
        std::this_thread::sleep_for(Millis(20));
        continue;
      }
    }
    const Target& target = targets_[turn % targets_.size()];
    const Reply reply = client->ask(get_request(target.path));
    if (reply.ended == Ended::closed && reused) {
      ++tally.idle_closes;
      client.reset();
      continue;  // the same target again: a request that was never begun is not a failed one
    }
    ++turn;
    if (reply.ended == Ended::answered && reply.status() == 200 && reply.body() == target.body) {
      ++tally.answers;
      ++answers_;
      reused = true;
      if (reply.response.says_close()) client.reset();
      continue;
    }
    const std::string what =
        target.path + (reused ? " on a reused" : " on a new") + " connection: " +
        (reply.ended == Ended::answered ? "status " + std::to_string(reply.status()) + ", " +
                                              std::to_string(reply.body().size()) + " bytes"
                                        : reply.detail);
    switch (reply.ended) {
      case Ended::answered:
      case Ended::malformed:
        fail(tally.wrong_answers, what);
        break;
      case Ended::cut_short:
        fail(tally.short_answers, what);
        break;
      case Ended::closed:
        fail(tally.lost, what);
        break;
      case Ended::reset:
        fail(tally.resets, what);
        break;
      case Ended::timed_out:
        fail(tally.timeouts, what);
        break;
    }
    client.reset();
  }
}

}  // namespace corelab::test
