#include "servers/program/spare_memory.hpp"

#include <malloc.h>

#include <algorithm>

namespace corelab {

namespace {

constexpr auto watched_for = std::chrono::seconds(3);
constexpr std::size_t worth_it = 512 * 1024;

}  // namespace

void share_one_arena() { mallopt(M_ARENA_MAX, 1); }

void SpareMemory::look(Clock::time_point now) {
  least_ = std::min(least_, mallinfo2().fordblks);
  if (now - begun_ < watched_for) return;
  if (least_ >= worth_it) malloc_trim(0);
  least_ = static_cast<std::size_t>(-1);
  begun_ = now;
}

}  // namespace corelab
