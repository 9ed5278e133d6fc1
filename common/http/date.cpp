#include "common/http/date.hpp"

#include <algorithm>
#include <cstdio>

namespace corelab {

void DateCache::format(std::time_t now) {
  // Not strftime: its day and month names follow the locale, the header's never do.
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 80> wide{};
  std::snprintf(wide.data(), wide.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday,
                months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::copy_n(wide.begin(), length, text_.begin());
  second_ = now;
}

}  // namespace corelab
