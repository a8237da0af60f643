#include "CKernels.h"
#include "simd.h"

#pragma clang fp contract(fast)

// Sums run in double: the conversion is cheaper than the memory read, and a mean over millions of terms stays exact to
// float precision. Reassociation is what lets clang keep many partial sums; the grouping depends on n only.

PS_CLONES double ps_sum(const float *x, int64_t n) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i];
  return sum;
}

PS_CLONES double ps_dot(const float *a, const float *b, int64_t n) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

PS_CLONES double ps_sum_squares(const float *x, int64_t n) {
#pragma clang fp reassociate(on)
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

// Four rows at a time save loads and stores of `out`; the additions stay in row order, so any split of the rows into
// consecutive calls gives the same bits.
PS_CLONES void ps_column_sums(const float *x, float *out, int64_t rows, int64_t cols, int64_t ldx) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *a = x + r * ldx, *b = a + ldx, *c = b + ldx, *d = c + ldx;
    PS_INDEPENDENT for (int64_t j = 0; j < cols; j++) out[j] = (((out[j] + a[j]) + b[j]) + c[j]) + d[j];
  }
  for (; r < rows; r++) {
    const float *a = x + r * ldx;
    PS_INDEPENDENT for (int64_t j = 0; j < cols; j++) out[j] += a[j];
  }
}
