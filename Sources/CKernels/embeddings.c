#include "CKernels.h"
#include "simd.h"

PS_CLONES void ps_embedding_sum(const float *word, const float *position, const float *segment, const int32_t *ids,
                                const int32_t *positions, const int32_t *segments, float *y, int64_t rows,
                                int64_t cols) {
  for (int64_t r = 0; r < rows; r++) {
    const float *w = word + (int64_t)ids[r] * cols, *p = position + (int64_t)positions[r] * cols;
    float *out = y + r * cols;
    if (segment) {
      const float *s = segment + (int64_t)segments[r] * cols;
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) out[c] = (w[c] + p[c]) + s[c];
    } else {
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) out[c] = w[c] + p[c];
    }
  }
}

PS_CLONES void ps_scatter_add_rows(float *table, const int32_t *ids, const float *dy, int64_t rows, int64_t cols,
                                   int64_t column_begin, int64_t column_end) {
  for (int64_t r = 0; r < rows; r++) {
    float *out = table + (int64_t)ids[r] * cols;
    const float *d = dy + r * cols;
    PS_INDEPENDENT for (int64_t c = column_begin; c < column_end; c++) out[c] += d[c];
  }
}
