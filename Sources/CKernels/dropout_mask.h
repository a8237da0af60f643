#ifndef POTSTILL_DROPOUT_MASK_H
#define POTSTILL_DROPOUT_MASK_H

#include "simd.h"

// A counter-based mask: 32 bits from (seed, stream, index) and nothing else, so that backward recreates what forward
// used and no split of the work changes it. Two multiply-xorshift rounds with the multipliers that Chris Wellons'
// search found ("lowbias32"); the key enters before and between the rounds, as a key that only shifted the counter
// would make one stream a rearrangement of another.
typedef struct {
  uint32_t before, between;
} ps_mask_key;

// David Stafford's mix 13, the finaliser of SplitMix64.
PS_INLINE uint64_t ps_mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

PS_INLINE ps_mask_key ps_make_mask_key(uint64_t seed, uint64_t stream, uint32_t high_word) {
  uint64_t z = ps_mix64(seed + 0x9e3779b97f4a7c15ull);
  z = ps_mix64(z ^ (stream + 0xd1b54a32d192ed03ull));
  z = ps_mix64(z + 0x9e3779b97f4a7c15ull * ((uint64_t)high_word + 1));
  ps_mask_key key = {(uint32_t)z, (uint32_t)(z >> 32)};
  return key;
}

PS_INLINE uint32_t ps_mask_hash(uint32_t low_word, ps_mask_key key) {
  uint32_t h = low_word ^ key.before;
  h ^= h >> 16;
  h *= 0x7feb352du;
  h ^= h >> 15;
  h += key.between;
  h *= 0x846ca68bu;
  h ^= h >> 16;
  return h;
}

// Elements whose hash is below this are dropped.
PS_INLINE uint32_t ps_drop_threshold(float probability) {
  double scaled = (double)probability * 4294967296.0;
  return scaled >= 4294967295.0 ? 0xffffffffu : (scaled <= 0.0 ? 0u : (uint32_t)scaled);
}

PS_INLINE float ps_keep_scale(float probability) { return probability < 1.0f ? 1.0f / (1.0f - probability) : 0.0f; }

// How many of `n` elements from `first` on share the upper 32 bits of their index (and so one key).
PS_INLINE int64_t ps_segment_length(uint64_t first, int64_t n) {
  uint64_t left = 0x100000000ull - (first & 0xffffffffull);
  return (uint64_t)n < left ? n : (int64_t)left;
}

// Runs BODY over i in 0..<n with `kept` true or false for element first + i.
#define PS_FOR_MASKED(n, seed, stream, first, probability, BODY)                                        \
  {                                                                                                     \
    const uint32_t ps_threshold = ps_drop_threshold(probability);                                       \
    for (int64_t ps_begin = 0; ps_begin < (n);) {                                                       \
      const uint64_t ps_index = (first) + (uint64_t)ps_begin;                                           \
      const int64_t ps_end = ps_begin + ps_segment_length(ps_index, (n)-ps_begin);                      \
      const ps_mask_key ps_key = ps_make_mask_key((seed), (stream), (uint32_t)(ps_index >> 32));        \
      const uint32_t ps_low = (uint32_t)ps_index - (uint32_t)ps_begin;                                  \
      PS_INDEPENDENT for (int64_t i = ps_begin; i < ps_end; i++) {                                      \
        const int kept = ps_mask_hash(ps_low + (uint32_t)i, ps_key) >= ps_threshold;                    \
        BODY                                                                                            \
      }                                                                                                 \
      ps_begin = ps_end;                                                                                \
    }                                                                                                   \
  }

#endif
