// The Date header's value, made once a second.
#pragma once

#include <array>
#include <ctime>
#include <string_view>

namespace corelab {

/// IMF-fixdate of RFC 9110 section 5.6.7. Reads no clock: the caller says what time it is. One instance a thread.
class DateCache {
 public:
  static constexpr std::size_t length = 29;

  /// The 29 bytes for `now`; valid until the next call.
  std::string_view at(std::time_t now) {
    if (now != second_) format(now);
    return {text_.data(), length};
  }

 private:
  void format(std::time_t now);

  std::time_t second_ = -1;
  std::array<char, length + 1> text_{};
};

}  // namespace corelab
