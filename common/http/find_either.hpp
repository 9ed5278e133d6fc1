// The first of two characters in a run of bytes: how lines are found.
#pragma once

#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace corelab {

/// Where the first `a` or `b` of [from, end) is; `end` if there is none.
inline const char* find_either(const char* from, const char* end, char a, char b) {
#if defined(__SSE2__)
  // Sixteen bytes a step: two calls of memchr would cost more than the rest of the head's checks.
  const __m128i all_a = _mm_set1_epi8(a), all_b = _mm_set1_epi8(b);
  for (; end - from >= 16; from += 16) {
    __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    int found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, all_a), _mm_cmpeq_epi8(bytes, all_b)));
    if (found != 0) return from + __builtin_ctz(static_cast<unsigned>(found));
  }
#endif
  while (from != end && *from != a && *from != b) ++from;
  return from;
}

}  // namespace corelab
