#include "CKernels.h"
#include "simd.h"

#include <stddef.h>

enum { block_rows = 12 };

_Static_assert(ps_block_outputs == 2 * PS_LANES, "a panel is two vectors wide");

int64_t ps_block_pack_count(int64_t rows, int64_t inputs) { return (rows + block_rows - 1) / block_rows * block_rows * inputs; }

PS_CLONES void ps_block_pack(const float *x, int64_t rows, int64_t inputs, float *t) {
  for (int64_t first = 0; first < rows; first += block_rows, t += block_rows * inputs) {
    const int64_t count = rows - first < block_rows ? rows - first : block_rows;
    for (int64_t i = 0; i < inputs; i++) {
      for (int64_t r = 0; r < block_rows; r++) t[i * block_rows + r] = r < count ? x[(first + r) * inputs + i] : 0.0f;
    }
  }
}

// y[rows, 16 vectors] of so many rows and vectors as are constants after inlining, all in registers.
PS_INLINE void tile(const int rows, const int vectors, const float *t, const int32_t *kept, int64_t count,
                    const float *weights, const float *bias, float *y, int64_t ldy) {
  ps_vector sum[block_rows][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sum[r][v] = *(const ps_vector *)(bias + v * PS_LANES);
  }
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t k = 0; k < count; k++) {
    const float *x = t + (int64_t)kept[k] * block_rows;
    ps_vector w[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) w[v] = *(const ps_vector *)(weights + k * ps_block_outputs + v * PS_LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const float value = x[r];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[r][v] += value * w[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) *(ps_vector *)(y + r * ldy + v * PS_LANES) = sum[r][v];
  }
}

// One panel of outputs for block_rows rows; in quarters where registers are short.
PS_INLINE void panel(const int wide, const float *t, const int32_t *kept, int64_t count, const float *weights,
                     const float *bias, float *y, int64_t ldy) {
  if (wide) {
    tile(block_rows, 2, t, kept, count, weights, bias, y, ldy);
    return;
  }
  for (int r = 0; r < block_rows; r += block_rows / 2) {
    for (int c = 0; c < ps_block_outputs; c += PS_LANES) {
      tile(block_rows / 2, 1, t + r, kept, count, weights + c, bias + c, y + r * ldy + c, ldy);
    }
  }
}

PS_CLONES void ps_block_linear(const float *t, int64_t rows, int64_t inputs, const float *weights, const int32_t *kept,
                               const int32_t *starts, const float *bias, float *y, int64_t outputs, int64_t ldy) {
  const int wide = ps_has_wide_registers();
  float part[block_rows * ps_block_outputs];
  for (int64_t first = 0; first < outputs; first += ps_block_outputs) {
    const int32_t begin = starts[first / ps_block_outputs], end = starts[first / ps_block_outputs + 1];
    const int64_t columns = outputs - first < ps_block_outputs ? outputs - first : ps_block_outputs;
    const float *w = weights + (int64_t)begin * ps_block_outputs;
    for (int64_t row = 0; row < rows; row += block_rows) {
      const float *x = t + row * inputs;
      float *out = y + row * ldy + first;
      if (columns == ps_block_outputs && row + block_rows <= rows) {
        panel(wide, x, kept + begin, end - begin, w, bias + first, out, ldy);
        continue;
      }
      panel(wide, x, kept + begin, end - begin, w, bias + first, part, ps_block_outputs);
      const int64_t count = rows - row < block_rows ? rows - row : block_rows;
      for (int64_t r = 0; r < count; r++) {
        for (int64_t c = 0; c < columns; c++) out[r * ldy + c] = part[r * ps_block_outputs + c];
      }
    }
  }
}
