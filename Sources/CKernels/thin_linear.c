#include "CKernels.h"
#include "simd.h"
#include "small_product.h"

#include <stddef.h>

// A part of the weight this large stays in the second-level cache, the rows' part beside it in the first-level one.
enum { block_outputs = 64, block_inputs = 320 };

void ps_transposed_rows(const float *x, int64_t rows, int64_t cols, float *t, int64_t width) {
  ps_transpose(x, cols, rows, cols, t, width, PS_HALF);
}

// sums[outputs, width] of so many outputs, vectors and a half one as are constants after inlining, all in registers: from
// what the parts before it left, or the bias, or zero. The weights of the next tile are fetched meanwhile.
PS_INLINE void tile(const int outputs, const int vectors, const int half, int64_t depth, const float *weight,
                    int64_t ldw, const float *t, int64_t width, const float *bias, int continues, float *sums) {
  ps_vector sum[8][2];
  ps_half rest[8];
#pragma clang loop unroll(full)
  for (int o = 0; o < outputs; o++) {
    const float start = bias ? bias[o] : 0.0f;
    const float *before = sums + o * width;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      sum[o][v] = (ps_vector){0} + start;
      if (continues) sum[o][v] = *(const ps_vector *)(before + v * PS_LANES);
    }
    if (half) {
      rest[o] = (ps_half){0} + start;
      if (continues) rest[o] = *(const ps_half *)(before + vectors * PS_LANES);
    }
  }
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t i = 0; i < depth; i++) {
    if ((i & 15) == 0) {
#pragma clang loop unroll(full)
      for (int o = 0; o < outputs; o++) __builtin_prefetch(weight + (o + outputs) * ldw + i, 0, 2);
    }
    ps_vector x[2];
    ps_half last;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) x[v] = *(const ps_vector *)(t + i * width + v * PS_LANES);
    if (half) last = *(const ps_half *)(t + i * width + vectors * PS_LANES);
#pragma clang loop unroll(full)
    for (int o = 0; o < outputs; o++) {
      const float w = weight[o * ldw + i];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[o][v] += w * x[v];
      if (half) rest[o] += w * last;
    }
  }
#pragma clang loop unroll(full)
  for (int o = 0; o < outputs; o++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) *(ps_vector *)(sums + o * width + v * PS_LANES) = sum[o][v];
    if (half) *(ps_half *)(sums + o * width + vectors * PS_LANES) = rest[o];
  }
}

#define PS_TILE_CASE(OUTPUTS, HALVES)                                                                        \
  case OUTPUTS + 8 * (HALVES - 1):                                                                           \
    tile(OUTPUTS, HALVES / 2, HALVES % 2, depth, w, ldw, t + column, width, b, continues, out); \
    break;

// A part of the depth of block_product: eight outputs of two AVX-512 vectors in registers at a time, or six of one
// 16-float vector where registers are short; what is left of a row by halves.
PS_CLONES static void thin_part(const float *t, int64_t width, const float *weight, int64_t ldw, const float *bias,
                                int continues, float *sums, int64_t outputs, int64_t depth) {
  const int wide = ps_has_wide_registers();
  const int64_t tallest = wide ? 8 : 6, broadest = wide ? 4 : 2;
  const int64_t tiles = (outputs + tallest - 1) / tallest;
  for (int64_t column = 0; column < width;) {
    const int64_t left = (width - column) / PS_HALF, halves = left < broadest ? left : broadest;
    for (int64_t number = 0; number < tiles; number++) {
      // Tiles of nearly the same height: 13 outputs are 6 + 7, not 8 + 5.
      const int64_t first = outputs * number / tiles, count = outputs * (number + 1) / tiles - first;
      const float *w = weight + first * ldw, *b = bias ? bias + first : NULL;
      float *out = sums + first * width + column;
      switch (count + 8 * (halves - 1)) {
        PS_EACH_HALF(PS_TILE_CASE)
      }
    }
    column += halves * PS_HALF;
  }
}

// sums[outputs, width] = weight t + bias, in parts of nearly the same depth; bias may be NULL.
static void block_product(const float *t, int64_t width, const float *weight, int64_t ldw, const float *bias,
                          float *sums, int64_t outputs, int64_t inputs) {
  const int64_t parts = (inputs + block_inputs - 1) / block_inputs;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t begin = inputs * part / parts, end = inputs * (part + 1) / parts;
    thin_part(t + begin * width, width, weight + begin, ldw, bias, part > 0, sums, outputs, end - begin);
  }
}

void ps_thin_linear(const float *t, int64_t width, const float *weight, int64_t ldw, const float *bias, float *y,
                    int64_t rows, int64_t outputs, int64_t inputs, int64_t ldy) {
  float sums[block_outputs * ps_thin_rows];
  for (int64_t first = 0; first < outputs; first += block_outputs) {
    const int64_t n = outputs - first < block_outputs ? outputs - first : block_outputs;
    block_product(t, width, weight + first * ldw, ldw, bias ? bias + first : NULL, sums, n, inputs);
    ps_transpose(sums, width, n, rows, y + first, ldy, 0);
  }
}

void ps_thin_linear_transposed(const float *t, int64_t width, const float *weight, const float *bias, float *y,
                               int64_t outputs, int64_t inputs) {
  for (int64_t first = 0; first < outputs; first += block_outputs) {
    const int64_t n = outputs - first < block_outputs ? outputs - first : block_outputs;
    block_product(t, width, weight + first * inputs, inputs, bias ? bias + first : NULL, y + first * width, n, inputs);
  }
}
