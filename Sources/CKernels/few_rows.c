#include "CKernels.h"
#include "simd.h"

#include <stddef.h>

#pragma clang fp contract(fast)

// The sum of 16 lanes, halves first.
PS_INLINE float lane_sum(const ps_vector *v) {
  float lane[PS_LANES];
  memcpy(lane, v, sizeof lane);
  for (int width = PS_LANES / 2; width > 0; width /= 2) {
#pragma clang loop vectorize(assume_safety)
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  }
  return lane[0];
}

// The first `n` of a vector, zeros behind.
#define part_of(x, n)                        \
  ({                                         \
    float block[PS_LANES];                   \
    ps_load_part(x, block, n, 0.0f);         \
    ps_vector part;                          \
    memcpy(&part, block, sizeof part);       \
    part;                                    \
  })

// rows * outputs running sums in registers; both are constants after inlining.
PS_INLINE void dots(const int rows, const int outputs, const float *x, const float *weight, int64_t ldw,
                    const float *bias, float *y, int64_t inputs, int64_t ldy) {
  ps_vector sum[4][4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++) sum[r][o] = (ps_vector){0};
  int64_t l = 0;
#pragma clang loop unroll(disable) vectorize(disable)
  for (; l + PS_LANES <= inputs; l += PS_LANES) {
    ps_vector from_x[4];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) from_x[r] = *(const ps_vector *)(x + r * inputs + l);
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++) {
      const ps_vector w = *(const ps_vector *)(weight + o * ldw + l);
      // The same place of the next outputs: the processor sees no stream in the few lines of a row by itself.
      __builtin_prefetch(weight + (o + outputs) * ldw + l, 0, 2);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) sum[r][o] += from_x[r] * w;
    }
  }
  if (l < inputs) {
    ps_vector from_x[4];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) from_x[r] = part_of(x + r * inputs + l, inputs - l);
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++) {
      const ps_vector w = part_of(weight + o * ldw + l, inputs - l);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) sum[r][o] += from_x[r] * w;
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++) y[r * ldy + o] = lane_sum(&sum[r][o]) + (bias ? bias[o] : 0.0f);
  }
}

// All rows with some outputs, whose weights are read from memory once.
PS_INLINE void all_rows(const int outputs, const float *x, const float *weight, int64_t ldw, const float *bias,
                        float *y, int64_t rows, int64_t inputs, int64_t ldy) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) dots(4, outputs, x + r * inputs, weight, ldw, bias, y + r * ldy, inputs, ldy);
  for (; r + 2 <= rows; r += 2) dots(2, outputs, x + r * inputs, weight, ldw, bias, y + r * ldy, inputs, ldy);
  if (r < rows) dots(1, outputs, x + r * inputs, weight, ldw, bias, y + r * ldy, inputs, ldy);
}

PS_CLONES void ps_few_rows_linear(const float *x, const float *weight, int64_t ldw, const float *bias, float *y,
                                  int64_t rows, int64_t outputs, int64_t inputs, int64_t ldy) {
  int64_t o = 0;
  for (; o + 4 <= outputs; o += 4)
    all_rows(4, x, weight + o * ldw, ldw, bias ? bias + o : NULL, y + o, rows, inputs, ldy);
  for (; o < outputs; o++)
    all_rows(1, x, weight + o * ldw, ldw, bias ? bias + o : NULL, y + o, rows, inputs, ldy);
}
