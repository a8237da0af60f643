#include "CKernels.h"
#include "simd.h"
#include "small_product.h"

#include <stddef.h>

// A part of the weight this large stays in the second-level cache, the rows' part beside it in the first-level one.
enum { block_outputs = 64, block_inputs = 320 };

void ps_transposed_rows(const float *x, int64_t rows, int64_t cols, float *t, int64_t width) {
  ps_transpose(x, cols, rows, cols, t, width, 1);
}

// sums[outputs, width] = weight t + bias, in parts of nearly the same depth; bias may be NULL.
static void block_product(const float *t, int64_t width, const float *weight, const float *bias, float *sums,
                          int64_t outputs, int64_t inputs) {
  if (bias) {
    for (int64_t o = 0; o < outputs; o++) ps_fill(sums + o * width, bias[o], width);
  }
  const int64_t parts = (inputs + block_inputs - 1) / block_inputs;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t begin = inputs * part / parts, end = inputs * (part + 1) / parts;
    ps_small_product(outputs, width, end - begin, 1.0f, weight + begin, inputs, 1, t + begin * width, width, sums,
                     width, bias || part > 0);
  }
}

void ps_thin_linear(const float *t, int64_t width, const float *weight, const float *bias, float *y, int64_t rows,
                    int64_t outputs, int64_t inputs, int64_t ldy) {
  float sums[block_outputs * ps_thin_rows];
  for (int64_t first = 0; first < outputs; first += block_outputs) {
    const int64_t n = outputs - first < block_outputs ? outputs - first : block_outputs;
    block_product(t, width, weight + first * inputs, bias ? bias + first : NULL, sums, n, inputs);
    ps_transpose(sums, width, n, rows, y + first, ldy, 0);
  }
}

void ps_thin_linear_transposed(const float *t, int64_t width, const float *weight, const float *bias, float *y,
                               int64_t outputs, int64_t inputs) {
  for (int64_t first = 0; first < outputs; first += block_outputs) {
    const int64_t n = outputs - first < block_outputs ? outputs - first : block_outputs;
    block_product(t, width, weight + first * inputs, bias ? bias + first : NULL, y + first * width, n, inputs);
  }
}
