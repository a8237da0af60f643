#include "CKernels.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

// The last block of a row is padded to PS_LANES in a local buffer, since rows of attention are often shorter than two
// vectors and a scalar tail of up to 15 exponentials would cost more than the rest of the row.

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

// The largest of scale * x[i].
PS_INLINE float row_peak(const float *x, int64_t n, float scale) {
  return scale < 0.0f ? row_minimum(x, n) : row_maximum(x, n);
}

// y[i] = e^(scale (x[i] - peak)) when y is not NULL; returns the sum.
PS_INLINE float row_exponentials(const float *x, float *y, int64_t n, float peak, float scale) {
#pragma clang fp reassociate(on)
  float sum = 0.0f;
  int64_t whole = n & ~(int64_t)(PS_LANES - 1);
  if (y) {
    PS_INDEPENDENT for (int64_t i = 0; i < whole; i++) {
      float e = ps_exp_nonpositive(scale * (x[i] - peak));
      y[i] = e;
      sum += e;
    }
  } else {
    PS_INDEPENDENT for (int64_t i = 0; i < whole; i++) sum += ps_exp_nonpositive(scale * (x[i] - peak));
  }
  int64_t rest = n - whole;
  if (rest > 0) {
    float tail[PS_LANES];
    for (int64_t i = 0; i < rest; i++) tail[i] = scale * (x[whole + i] - peak);
    for (int64_t i = rest; i < PS_LANES; i++) tail[i] = -1000.0f;
    float tail_sum = 0.0f;
    PS_ONE_BLOCK for (int64_t i = 0; i < PS_LANES; i++) {
      float e = ps_exp_nonpositive(tail[i]);
      tail[i] = e;
      tail_sum += e;
    }
    if (y)
      for (int64_t i = 0; i < rest; i++) y[whole + i] = tail[i];
    sum += tail_sum;
  }
  return sum;
}

PS_CLONES void ps_softmax(const float *x, float *y, int64_t rows, int64_t cols, int64_t ldx, int64_t ldy,
                          float scale) {
  for (int64_t r = 0; r < rows; r++) {
    const float *xr = x + r * ldx;
    float *yr = y + r * ldy;
    float peak = row_peak(xr, cols, scale);
    float inverse = 1.0f / row_exponentials(xr, yr, cols, peak, scale);
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
    float peak = row_peak(xr, cols, scale);
    float log_sum = ps_logf(row_exponentials(xr, 0, cols, peak, scale));
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) yr[c] = scale * (xr[c] - peak) - log_sum;
  }
}
