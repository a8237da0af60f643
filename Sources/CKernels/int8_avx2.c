#include "int8_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

// vpmaddubsw adds neighbouring products in 16 bits, where they saturate. Both sides are widened to 16 bits instead, the even
// bytes and the odd ones apart, and vpmaddwd adds exactly.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)

enum { lanes = 8, tallest = 4, widest = 1, flat = 2, zero_offset = 0 };
typedef int32_t int8_sums __attribute__((vector_size(32), aligned(4), may_alias));
typedef float int8_floats __attribute__((vector_size(32), aligned(4), may_alias));
typedef struct {
  __m256i even, odd;
} int8_inputs;
typedef int8_inputs int8_weights;

PS_INLINE int8_inputs inputs_at(const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  const __m256i bytes = _mm256_set1_epi32(four);
  return (int8_inputs){_mm256_and_si256(bytes, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(bytes, 8)};
}
PS_INLINE int8_weights weights_at(const int8_t *w) {
  const __m256i bytes = _mm256_loadu_si256((const __m256i *)w);
  return (int8_weights){_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8), _mm256_srai_epi16(bytes, 8)};
}
PS_INLINE int8_sums dot(int8_sums sums, int8_inputs inputs, int8_weights weights) {
  return sums + (int8_sums)_mm256_madd_epi16(inputs.even, weights.even) +
         (int8_sums)_mm256_madd_epi16(inputs.odd, weights.odd);
}

#define PS_INT8_FUNCTION ps_int8_linear_avx2
#include "int8_tile.h"

#pragma clang attribute pop
#endif
