// The addresses of a name. The system's look-up can take as long as it likes and cannot be interrupted: it has a thread
// of its own, which is left to itself when nobody waits for it any more.
#pragma once

#include <utility>  // Asio 1.74 forgets it

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace corelab::load {

/// One thread.
class NameLookup {
 public:
  /// Begins to look.
  NameLookup(const std::string& host, const std::string& port);

  /// Waits so long at most; whether it is done.
  bool wait(std::chrono::milliseconds longest);
  /// Only when it is done. Throws boost::system::system_error if the name is unknown.
  std::vector<boost::asio::ip::tcp::endpoint> addresses() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace corelab::load
