#include "servers/blocking/blocked_connections.hpp"

#include <sys/socket.h>

#include "servers/driver/connection.hpp"

namespace corelab {

BlockedConnection::BlockedConnection(BlockedConnections& all, int fd) : all_(all), fd_(fd) {
  std::lock_guard lock(all_.mutex_);
  next_ = all_.first_;
  if (next_ != nullptr) next_->previous_ = this;
  all_.first_ = this;
}

BlockedConnection::~BlockedConnection() {
  std::lock_guard lock(all_.mutex_);
  (previous_ != nullptr ? previous_->next_ : all_.first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

void BlockedConnection::enter_idle(Clock::time_point spared_until) {
  spared_until_.store(spared_until.time_since_epoch().count(), std::memory_order_relaxed);
  state_.store(State::idle, std::memory_order_release);
}

void BlockedConnections::wake_idle(std::size_t most) {
  Clock::rep now = coarse_now().time_since_epoch().count();
  std::lock_guard lock(mutex_);
  for (BlockedConnection* c = first_; c != nullptr && most > 0; c = c->next_) {
    auto idle = BlockedConnection::State::idle;
    if (c->spared_until_.load(std::memory_order_relaxed) > now) continue;
    if (!c->state_.compare_exchange_strong(idle, BlockedConnection::State::woken)) continue;
    shutdown(c->fd_, SHUT_RD);
    --most;
  }
}

void BlockedConnections::cut_all() {
  std::lock_guard lock(mutex_);
  for (BlockedConnection* c = first_; c != nullptr; c = c->next_) shutdown(c->fd_, SHUT_RDWR);
}

}  // namespace corelab
