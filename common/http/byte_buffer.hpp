// A growing run of bytes that is filled at its end and consumed from its front: the output side of a session.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace corelab {

/// Not thread-safe. Keeps its memory when it runs empty, so that a warm buffer allocates nothing.
class ByteBuffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }

  /// At least `n` writable bytes at the end; valid until the next call. Follow with commit().
  char* prepare(std::size_t n) {
    if (capacity_ - end_ < n) grow(n);
    return data_.get() + end_;
  }
  void commit(std::size_t n) { end_ += n; }

  void append(std::string_view bytes) { commit(copy(bytes, prepare(bytes.size()))); }

  /// Several parts, one behind the other: room is made for them once.
  template <std::same_as<std::string_view>... Parts>
  void append(std::string_view first, Parts... rest) {
    char* to = prepare((first.size() + ... + rest.size()));
    commit(copy(first, to));
    (commit(copy(rest, data_.get() + end_)), ...);
  }

  /// Drops `n` <= size() bytes from the front.
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  void clear() { begin_ = end_ = 0; }

  /// Gives memory beyond `keep` bytes back; what it holds must have been consumed.
  void shrink(std::size_t keep) {
    if (!empty() || capacity_ <= keep) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  static std::size_t copy(std::string_view bytes, char* to) {
    std::copy(bytes.begin(), bytes.end(), to);
    return bytes.size();
  }

  void grow(std::size_t n) {
    std::size_t used = size();
    std::size_t wanted = capacity_ == 0 ? 1024 : capacity_;
    while (wanted < used + n) wanted *= 2;
    // for_overwrite: a buffer is never read before it is written, and zeroing it would touch its pages.
    auto grown = wanted == capacity_ ? nullptr : std::make_unique_for_overwrite<char[]>(wanted);
    if (grown) {
      if (used != 0) std::memcpy(grown.get(), data_.get() + begin_, used);
      data_ = std::move(grown);
      capacity_ = wanted;
    } else {
      std::memmove(data_.get(), data_.get() + begin_, used);
    }
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<char[]> data_;
  std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace corelab
