#include "common/http/byte_buffer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace corelab {
namespace {

TEST(ByteBuffer, holds_what_is_put_in_until_it_is_taken) {
  ByteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  buffer.append("hello");
  buffer.append("");
  buffer.append(" world");
  EXPECT_EQ(buffer.view(), "hello world");
  buffer.consume(6);
  EXPECT_EQ(buffer.view(), "world");
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
}

TEST(ByteBuffer, behaves_as_a_string_does) {
  std::mt19937 random(1);
  ByteBuffer buffer;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 2 == 0) {
      std::string piece(random() % 300, static_cast<char>('a' + random() % 26));
      if (random() % 2 == 0) {
        buffer.append(piece);
      } else {
        std::copy(piece.begin(), piece.end(), buffer.prepare(piece.size() + random() % 100));
        buffer.commit(piece.size());
      }
      model += piece;
    } else {
      std::size_t n = random() % (model.size() + 1);
      buffer.consume(n);
      model.erase(0, n);
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

TEST(ByteBuffer, reuses_the_room_in_front_before_it_grows) {
  ByteBuffer buffer;
  buffer.append(std::string(1000, 'a'));
  std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 100; ++i) {
    buffer.consume(500);
    buffer.append(std::string(500, 'b'));
  }
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(ByteBuffer, shrinks_only_when_empty_and_large) {
  ByteBuffer buffer;
  buffer.append(std::string(10'000, 'a'));
  buffer.shrink(100);
  EXPECT_EQ(buffer.size(), 10'000u);
  buffer.consume(10'000);
  std::size_t capacity = buffer.capacity();
  buffer.shrink(capacity);
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.shrink(100);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.append("again");
  EXPECT_EQ(buffer.view(), "again");
}

}  // namespace
}  // namespace corelab
