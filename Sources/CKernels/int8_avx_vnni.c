#include "int8_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

// 256 bits: what processors without AVX-512 have.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3,avxvnni"))), apply_to = function)

enum { lanes = 8, tallest = 6, widest = 1, flat = 3, zero_offset = 0 };
typedef int32_t int8_sums __attribute__((vector_size(32), aligned(4), may_alias));
typedef float int8_floats __attribute__((vector_size(32), aligned(4), may_alias));
typedef __m256i int8_inputs;
typedef __m256i int8_weights;

PS_INLINE __m256i inputs_at(const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}
PS_INLINE __m256i weights_at(const int8_t *w) { return _mm256_loadu_si256((const __m256i *)w); }
PS_INLINE int8_sums dot(int8_sums sums, __m256i inputs, __m256i weights) {
  return (int8_sums)_mm256_dpbusd_avx_epi32((__m256i)sums, inputs, weights);
}

#define PS_INT8_FUNCTION ps_int8_linear_avx_vnni
#include "int8_tile.h"

#pragma clang attribute pop
#endif
