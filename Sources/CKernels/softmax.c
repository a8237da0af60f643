#include "CKernels.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

// The last block of a row is handled under a mask: rows of attention are often shorter than two vectors, and a scalar
// tail of up to 15 exponentials would cost more than the rest of the row.

// Maxima are taken over order keys, see simd.h. A row of n values starts with `best`, which lies below every key.
PS_INLINE float row_maximum(const float *x, int64_t n) {
  int32_t best = INT32_MIN;
  for (int64_t i = 0; i < n; i++) {
    int32_t k = ps_order_key(x[i]);
    best = k > best ? k : best;
  }
  return ps_from_order_key(best);
}

PS_INLINE float row_minimum(const float *x, int64_t n) {
  int32_t best = INT32_MAX;
  for (int64_t i = 0; i < n; i++) {
    int32_t k = ps_order_key(x[i]);
    best = k < best ? k : best;
  }
  return ps_from_order_key(best);
}

// The x for which scale * x is largest.
PS_INLINE float row_peak(const float *x, int64_t n, float scale) {
  return scale < 0.0f ? row_minimum(x, n) : row_maximum(x, n);
}

// block[i] = e^(scale (block[i] - peak)) for i < n and 0 behind; returns the sum.
PS_INLINE float block_exponentials(float *block, int64_t n, float peak, float scale) {
#pragma clang fp reassociate(on)
  const int32_t count = (int32_t)n;
  float sum = 0.0f;
  PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
    float e = ps_exp_nonpositive(scale * (block[i] - peak));
    e = i < count ? e : 0.0f;
    block[i] = e;
    sum += e;
  }
  return sum;
}

// y[i] = e^(scale (x[i] - peak)) when y is not NULL; returns the sum.
PS_INLINE float row_exponentials(const float *x, float *y, int64_t n, float peak, float scale) {
#pragma clang fp reassociate(on)
  float sum = 0.0f;
  const int64_t whole = n & ~(int64_t)(PS_LANES - 1);
  if (y) {
    PS_INDEPENDENT for (int64_t i = 0; i < whole; i++) {
      float e = ps_exp_nonpositive(scale * (x[i] - peak));
      y[i] = e;
      sum += e;
    }
  } else {
    PS_INDEPENDENT for (int64_t i = 0; i < whole; i++) sum += ps_exp_nonpositive(scale * (x[i] - peak));
  }
  if (whole < n) {
    float tail[PS_LANES];
    ps_load_part(x + whole, tail, n - whole, peak);
    sum += block_exponentials(tail, n - whole, peak, scale);
    if (y) ps_store_part(tail, y + whole, n - whole);
  }
  return sum;
}

// A row of at most PS_LANES values, all in registers.
PS_INLINE void softmax_short_row(const float *x, float *y, int64_t n, float scale) {
  float block[PS_LANES];
  ps_load_part(x, block, n, x[0]);
  const float peak = row_peak(block, PS_LANES, scale);
  const float inverse = 1.0f / block_exponentials(block, n, peak, scale);
  PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) block[i] *= inverse;
  ps_store_part(block, y, n);
}

PS_CLONES void ps_softmax(const float *x, float *y, int64_t rows, int64_t cols, int64_t ldx, int64_t ldy,
                          float scale) {
  if (cols <= 0) return;
  if (cols <= PS_LANES) {
    for (int64_t r = 0; r < rows; r++) softmax_short_row(x + r * ldx, y + r * ldy, cols, scale);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const float *xr = x + r * ldx;
    float *yr = y + r * ldy;
    const float peak = row_peak(xr, cols, scale);
    const float inverse = 1.0f / row_exponentials(xr, yr, cols, peak, scale);
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) yr[c] *= inverse;
  }
}

PS_CLONES void ps_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t cols, int64_t ldy,
                                   int64_t lddy, int64_t lddx, float scale) {
  for (int64_t r = 0; r < rows; r++) {
    const float *yr = y + r * ldy, *dyr = dy + r * lddy;
    float *dxr = dx + r * lddx;
    float dot = 0.0f;
    {
#pragma clang fp reassociate(on)
      for (int64_t c = 0; c < cols; c++) dot += yr[c] * dyr[c];
    }
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) dxr[c] = (scale * yr[c]) * (dyr[c] - dot);
  }
}

PS_CLONES void ps_log_softmax(const float *x, float *y, int64_t rows, int64_t cols, float scale) {
  for (int64_t r = 0; r < rows; r++) {
    const float *xr = x + r * cols;
    float *yr = y + r * cols;
    const float peak = row_peak(xr, cols, scale);
    const float log_sum = ps_logf(row_exponentials(xr, 0, cols, peak, scale));
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) yr[c] = scale * (xr[c] - peak) - log_sum;
  }
}
