#include "int8_product.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512vnni"))), apply_to = function)

enum { lanes = 16, tallest = 12, widest = 2, flat = 6, zero_offset = 0 };
typedef int32_t int8_sums __attribute__((vector_size(64), aligned(4), may_alias));
typedef float int8_floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef __m512i int8_inputs;
typedef __m512i int8_weights;

PS_INLINE __m512i inputs_at(const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}
PS_INLINE __m512i weights_at(const int8_t *w) { return _mm512_loadu_si512(w); }
PS_INLINE int8_sums dot(int8_sums sums, __m512i inputs, __m512i weights) {
  return (int8_sums)_mm512_dpbusd_epi32((__m512i)sums, inputs, weights);
}

#define PS_INT8_FUNCTION ps_int8_linear_avx512_vnni
#include "int8_tile.h"

#pragma clang attribute pop
#endif
