#include "int8_product.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

// sdot multiplies signed bytes: 128 is taken off every input.
enum { lanes = 4, tallest = 6, widest = 1, flat = 3, zero_offset = 128 };
typedef int32_t int8_sums __attribute__((vector_size(16), aligned(4), may_alias));
typedef float int8_floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int8x16_t int8_inputs;
typedef int8x16_t int8_weights;

PS_INLINE int8x16_t inputs_at(const uint8_t *x) {
  uint32_t four;
  memcpy(&four, x, sizeof four);
  return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
}
PS_INLINE int8x16_t weights_at(const int8_t *w) { return vld1q_s8(w); }
PS_INLINE int8_sums dot(int8_sums sums, int8x16_t inputs, int8x16_t weights) {
  return (int8_sums)vdotq_s32((int32x4_t)sums, inputs, weights);
}

#define PS_INT8_FUNCTION ps_int8_linear_neon
#include "int8_tile.h"

#pragma clang attribute pop
#endif
