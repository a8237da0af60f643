#include "CKernels.h"
#include "simd.h"
#include "small_product.h"

// A part of the weight this large stays in the second-level cache, the rows' part beside it in the first-level one.
enum { block_outputs = 64, block_inputs = 256 };

void ps_transposed_rows(const float *x, int64_t rows, int64_t cols, float *t, int64_t width) {
  ps_transpose(x, cols, rows, cols, t, width, 1);
}

void ps_thin_linear(const float *t, int64_t width, const float *weight, float *y, int64_t rows, int64_t outputs,
                    int64_t inputs, int64_t ldy) {
  float sums[block_outputs * ps_thin_rows];
  for (int64_t first = 0; first < outputs; first += block_outputs) {
    const int64_t n = outputs - first < block_outputs ? outputs - first : block_outputs;
    for (int64_t begin = 0; begin < inputs; begin += block_inputs) {
      const int64_t depth = inputs - begin < block_inputs ? inputs - begin : block_inputs;
      ps_small_product(n, width, depth, 1.0f, weight + first * inputs + begin, inputs, 1, t + begin * width, width,
                       sums, width, begin > 0);
    }
    ps_transpose(sums, width, n, rows, y + first, ldy, 0);
  }
}
