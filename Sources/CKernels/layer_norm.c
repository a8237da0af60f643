#include <stddef.h>

#include "CKernels.h"
#include "dropout_mask.h"

#pragma clang fp contract(fast)

// z = residual + dropout(x); written to z, which stays in L1 for the passes that follow.
PS_INLINE void drop_and_add(const float *x, const float *residual, float *z, int64_t n, uint64_t seed, uint64_t stream,
                            uint64_t first, float probability) {
  if (probability > 0.0f) {
    const float scale = ps_keep_scale(probability);
    if (residual) {
      PS_FOR_MASKED(n, seed, stream, first, probability, z[i] = residual[i] + (kept ? x[i] * scale : 0.0f);)
    } else {
      PS_FOR_MASKED(n, seed, stream, first, probability, z[i] = kept ? x[i] * scale : 0.0f;)
    }
  } else if (residual) {
    PS_INDEPENDENT for (int64_t i = 0; i < n; i++) z[i] = residual[i] + x[i];
  } else {
    PS_INDEPENDENT for (int64_t i = 0; i < n; i++) z[i] = x[i];
  }
}

PS_INLINE float row_sum(const float *z, int64_t n) {
#pragma clang fp reassociate(on)
  float sum = 0.0f;
  for (int64_t i = 0; i < n; i++) sum += z[i];
  return sum;
}

PS_INLINE float row_squared_deviation(const float *z, int64_t n, float mean) {
#pragma clang fp reassociate(on)
  float sum = 0.0f;
  for (int64_t i = 0; i < n; i++) sum += (z[i] - mean) * (z[i] - mean);
  return sum;
}

PS_CLONES void ps_residual_layer_norm(const float *x, const float *residual, const float *gamma, const float *beta,
                                      float *y, float *normalized, float *rstd, int64_t rows, int64_t cols,
                                      float epsilon, uint64_t seed, uint64_t stream, uint64_t first,
                                      float probability) {
  const float share = 1.0f / (float)cols;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t row = r * cols;
    float *z = y + row;
    drop_and_add(x + row, residual ? residual + row : NULL, z, cols, seed, stream, first + (uint64_t)row, probability);
    const float mean = row_sum(z, cols) * share;
    const float variance = row_squared_deviation(z, cols, mean) * share;
    const float inverse = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    if (rstd) rstd[r] = inverse;
    if (normalized) {
      float *h = normalized + row;
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) {
        const float v = (z[c] - mean) * inverse;
        h[c] = v;
        z[c] = v * gamma[c] + beta[c];
      }
    } else {
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) z[c] = (z[c] - mean) * inverse * gamma[c] + beta[c];
    }
  }
}

// dgamma and dbeta take this row; returns sum(g) and sum(g normalized) with g = dy gamma.
PS_INLINE void backward_sums(const float *dy, const float *h, const float *gamma, float *dgamma, float *dbeta,
                             int64_t n, float *sum, float *sum_normalized) {
#pragma clang fp reassociate(on)
  float s = 0.0f, sh = 0.0f;
  PS_INDEPENDENT for (int64_t c = 0; c < n; c++) {
    const float d = dy[c], g = d * gamma[c];
    dgamma[c] += d * h[c];
    dbeta[c] += d;
    s += g;
    sh += g * h[c];
  }
  *sum = s;
  *sum_normalized = sh;
}

PS_CLONES void ps_residual_layer_norm_backward(const float *dy, const float *normalized, const float *rstd,
                                               const float *gamma, float *dx, int32_t accumulate_dx, float *dresidual,
                                               int32_t accumulate_dresidual, float *dgamma, float *dbeta, int64_t rows,
                                               int64_t cols, uint64_t seed, uint64_t stream, uint64_t first,
                                               float probability) {
  enum { chunk = 512 };  // dz of a piece of the row, in L1 while it goes to its two destinations
  float dz[chunk];
  const float share = 1.0f / (float)cols;
  const float scale = ps_keep_scale(probability);
  for (int64_t r = 0; r < rows; r++) {
    const float *dyr = dy + r * cols, *h = normalized + r * cols;
    float sum, sum_normalized;
    backward_sums(dyr, h, gamma, dgamma, dbeta, cols, &sum, &sum_normalized);
    const float inverse = rstd[r], mean = sum * share, slope = sum_normalized * share;
    for (int64_t begin = 0; begin < cols; begin += chunk) {
      const int64_t n = cols - begin < chunk ? cols - begin : chunk;
      const float *d = dyr + begin, *hc = h + begin, *gc = gamma + begin;
      PS_INDEPENDENT for (int64_t i = 0; i < n; i++) dz[i] = inverse * (d[i] * gc[i] - mean - hc[i] * slope);
      if (dresidual) {
        float *out = dresidual + r * cols + begin;
        if (accumulate_dresidual) {
          PS_INDEPENDENT for (int64_t i = 0; i < n; i++) out[i] += dz[i];
        } else {
          PS_INDEPENDENT for (int64_t i = 0; i < n; i++) out[i] = dz[i];
        }
      }
      if (dx) {
        float *out = dx + r * cols + begin;
        const uint64_t counter = first + (uint64_t)(r * cols + begin);
        if (probability > 0.0f) {
          PS_FOR_MASKED(n, seed, stream, counter, probability, dz[i] = kept ? dz[i] * scale : 0.0f;)
        }
        if (accumulate_dx) {
          PS_INDEPENDENT for (int64_t i = 0; i < n; i++) out[i] += dz[i];
        } else {
          PS_INDEPENDENT for (int64_t i = 0; i < n; i++) out[i] = dz[i];
        }
      }
    }
  }
}
