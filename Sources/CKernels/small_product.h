#ifndef POTSTILL_SMALL_PRODUCT_H
#define POTSTILL_SMALL_PRODUCT_H

#include <stdint.h>

// CASE(rows, vectors) of every tile that fits into the registers.
#define PS_EACH_TILE(CASE)                                                                  \
  CASE(1, 1) CASE(2, 1) CASE(3, 1) CASE(4, 1) CASE(5, 1) CASE(6, 1) CASE(7, 1) CASE(8, 1)   \
  CASE(1, 2) CASE(2, 2) CASE(3, 2) CASE(4, 2) CASE(5, 2) CASE(6, 2) CASE(7, 2) CASE(8, 2)

// CASE(rows, halves) of every tile whose last vector may be a half one.
#define PS_EACH_HALF(CASE)                                                                  \
  PS_EACH_TILE(CASE)                                                                        \
  CASE(1, 3) CASE(2, 3) CASE(3, 3) CASE(4, 3) CASE(5, 3) CASE(6, 3) CASE(7, 3) CASE(8, 3)   \
  CASE(1, 4) CASE(2, 4) CASE(3, 4) CASE(4, 4) CASE(5, 4) CASE(6, 4) CASE(7, 4) CASE(8, 4)

// Products too small for a BLAS call: attention of one head over one sentence, [13, 32] x [32, 13].

// c[m, n] = alpha a[m, k] b[k, n] (+ c when `accumulate`). Element (i, l) of a is a[i * a_row + l * a_step], so a may be
// read transposed. Every row of b must be readable up to the next multiple of 16 columns.
__attribute__((visibility("hidden"))) void ps_small_product(int64_t m, int64_t n, int64_t k, float alpha,
                                                            const float *a, int64_t a_row, int64_t a_step,
                                                            const float *b, int64_t ldb, float *c, int64_t ldc,
                                                            int32_t accumulate);

// t[cols, rows] = x[rows, cols] transposed. With `pads`, every row of t is filled with zeros to a multiple of 16.
__attribute__((visibility("hidden"))) void ps_transpose(const float *x, int64_t ldx, int64_t rows, int64_t cols,
                                                        float *t, int64_t ldt, int32_t pads);

#endif
