#include "common/http/date.hpp"

#include <gtest/gtest.h>

namespace corelab {
namespace {

TEST(DateCache, formats_as_imf_fixdate) {
  DateCache cache;
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT") << "the example of RFC 9110 section 5.6.7";
  EXPECT_EQ(cache.at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(cache.at(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(cache.at(1735689599), "Tue, 31 Dec 2024 23:59:59 GMT");
  EXPECT_EQ(cache.at(4102444800), "Fri, 01 Jan 2100 00:00:00 GMT");
}

TEST(DateCache, keeps_its_text_within_a_second) {
  DateCache cache;
  const char* text = cache.at(1000).data();
  EXPECT_EQ(cache.at(1000).data(), text);
  EXPECT_EQ(cache.at(1000), "Thu, 01 Jan 1970 00:16:40 GMT");
  EXPECT_EQ(cache.at(1001), "Thu, 01 Jan 1970 00:16:41 GMT");
  EXPECT_EQ(cache.at(1000), "Thu, 01 Jan 1970 00:16:40 GMT") << "clocks are set back, too";
}

}  // namespace
}  // namespace corelab
