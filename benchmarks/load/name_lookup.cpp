#include "benchmarks/load/name_lookup.hpp"

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace corelab::load {

using boost::asio::ip::tcp;

struct NameLookup::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_done = false;
  boost::system::error_code error;
  std::vector<tcp::endpoint> addresses;
};

NameLookup::NameLookup(const std::string& host, const std::string& port) : state_(std::make_shared<State>()) {
  std::thread([state = state_, host, port] {
    boost::asio::io_context context;
    boost::system::error_code error;
    const auto found = tcp::resolver(context).resolve(host, port, error);
    std::lock_guard lock(state->mutex);
    state->error = error;
    for (const auto& one : found) state->addresses.push_back(one.endpoint());
    state->is_done = true;
    state->changed.notify_all();
  }).detach();
}

bool NameLookup::wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, longest, [this] { return state_->is_done; });
}

std::vector<tcp::endpoint> NameLookup::addresses() const {
  std::lock_guard lock(state_->mutex);
  if (state_->error) throw boost::system::system_error(state_->error);
  return state_->addresses;
}

}  // namespace corelab::load
