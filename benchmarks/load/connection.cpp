#include "benchmarks/load/connection.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

namespace corelab::load {

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto back_off = 10ms;  // of a connection that could not be made, or was closed before it served anything
constexpr auto slow_step = 100ms;  // slow peers move their bytes in pieces, this often
constexpr int slow_receive_buffer = 4096;

std::size_t slow_piece(double bytes_a_second) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(bytes_a_second * std::chrono::duration<double>(slow_step).count()));
}

// One for all connections: what is read is looked at before anything else is read.
std::array<char, 64 * 1024> buffer;

}  // namespace

Connection::Connection(asio::io_context& context, tcp::endpoint peer, const Options& options, ConnectionOwner& owner)
    : context_(context), peer_(std::move(peer)), options_(options), owner_(owner), socket_(context), timer_(context) {}

void Connection::open() {
  state_ = State::connecting;
  Error error;
  socket_.open(peer_.protocol(), error);
  if (error) {  // later, as any other failure: whoever opens many must not be called back from within
    asio::post(context_, [this, error, life = life_] {
      if (life == life_) connected(error);
    });
    return;
  }
  if (options_.slow_read) socket_.set_option(asio::socket_base::receive_buffer_size(slow_receive_buffer), error);
  socket_.async_connect(peer_, [this, life = life_](const Error& failed) {
    if (life == life_) connected(failed);
  });
}

void Connection::connected(const Error& error) {
  if (error) {
    std::string why = error.message();
    close();
    if (request_) lost(Loss::connect);
    owner_.on_connect_failed(*this, why);
    timer_.expires_after(back_off);
    timer_.async_wait([this, life = life_](const Error& cancelled) {
      if (!cancelled && life == life_) become_idle();
    });
    return;
  }
  Error ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  ++connects_;
  answers_in_life_ = 0;
  if (!options_.slow_read) watch_readable();
  if (request_) {
    state_ = State::busy;
    reader_.start();
    return options_.slow_send ? slow_write() : write();
  }
  state_ = State::idle;
  become_idle();
}

void Connection::send(const Request& request, std::string_view bytes) {
  request_ = request;
  request_->sent = now();
  unsent_ = bytes;
  ++asked_;
  asked_classes_ |= std::uint64_t{1} << request.class_index;
  if (state_ == State::closed) return open();
  state_ = State::busy;
  reader_.start();
  if (options_.slow_send) return slow_write();
  write();
}

void Connection::write() {
  ssize_t n = ::send(socket_.native_handle(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) return peer_closed(true);
  if (n > 0) unsent_.remove_prefix(static_cast<std::size_t>(n));
  if (unsent_.empty()) {
    if (options_.slow_read) slow_read();
    return;
  }
  socket_.async_wait(tcp::socket::wait_write, [this, life = life_](const Error& error) {
    if (!error && life == life_ && !unsent_.empty()) write();
  });
}

void Connection::slow_write() {
  std::string_view piece = unsent_.substr(0, slow_piece(*options_.slow_send));
  ssize_t n = ::send(socket_.native_handle(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) return peer_closed(true);
  if (n > 0) unsent_.remove_prefix(static_cast<std::size_t>(n));
  if (unsent_.empty()) return;
  timer_.expires_after(slow_step);
  timer_.async_wait([this, life = life_](const Error& error) {
    if (!error && life == life_ && !unsent_.empty()) slow_write();
  });
}

void Connection::slow_read() {
  timer_.expires_after(slow_step);
  timer_.async_wait([this, life = life_](const Error& error) {
    if (error || life != life_) return;
    receive(slow_piece(*options_.slow_read));
    if (life == life_ && request_) slow_read();
  });
}

void Connection::watch_readable() {
  socket_.async_wait(tcp::socket::wait_read, [this, life = life_](const Error& error) {
    if (!error && life == life_) readable();
  });
}

void Connection::readable() {
  std::uint64_t life = life_;
  receive(buffer.size());
  if (life == life_) watch_readable();
}

void Connection::receive(std::size_t most) {
  ssize_t n = ::recv(socket_.native_handle(), buffer.data(), std::min(most, buffer.size()), MSG_DONTWAIT);
  if (n < 0) {
    if (errno != EAGAIN && errno != EINTR) peer_closed(true);
    return;
  }
  Ns at = now();
  if (n == 0) {
    if (request_ && reader_.end_of_input() == AnswerReader::State::complete) return answered(at);
    return peer_closed(false);
  }
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
  auto state = request_ ? reader_.take(bytes) : AnswerReader::State::malformed;
  if (state == AnswerReader::State::complete) return answered(at);
  if (state == AnswerReader::State::malformed) {
    bool was_idle = state_ == State::idle;
    close();
    if (request_) lost(Loss::malformed);
    if (!was_idle) become_idle();
  }
}

void Connection::answered(Ns at) {
  Request request = *request_;
  request_.reset();
  ++answers_;
  ++answers_in_life_;
  Answer answer{reader_.status(), reader_.taken(), at};
  // An answer ahead of the whole request is the peer's last word.
  if (reader_.closes() || options_.connection_per_request || !unsent_.empty()) {
    close();
  } else {
    state_ = State::idle;
  }
  unsent_ = {};
  owner_.on_answer(*this, request, answer);
  become_idle();
}

void Connection::lost(Loss why) {
  Request request = *request_;
  request_.reset();
  unsent_ = {};
  owner_.on_loss(*this, request, why, now());
}

void Connection::peer_closed(bool was_reset) {
  bool was_idle = state_ == State::idle;
  bool is_race = request_ && answers_in_life_ > 0 && !reader_.has_begun();
  bool was_useless = answers_in_life_ == 0;
  close();
  if (was_idle) return;  // and still is: it is opened again when it is needed
  if (is_race) {
    Request again = *request_;
    request_.reset();
    unsent_ = {};
    --asked_;
    owner_.on_retry(again);
  } else {
    lost(was_reset ? Loss::reset : Loss::closed);
  }
  if (!was_useless) return become_idle();
  timer_.expires_after(back_off);
  timer_.async_wait([this, life = life_](const Error& cancelled) {
    if (!cancelled && life == life_) become_idle();
  });
}

void Connection::abandon(Loss why, bool goes_on) {
  goes_on_ &= goes_on;
  close();
  lost(why);
  become_idle();
}

void Connection::close() {
  ++life_;
  timer_.cancel();
  Error ignored;
  socket_.close(ignored);
  state_ = State::closed;
}

void Connection::become_idle() {
  if (goes_on_ && !request_) owner_.on_idle(*this);
}

}  // namespace corelab::load
