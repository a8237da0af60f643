#include "small_product.h"

#include "simd.h"

#pragma clang fp contract(fast)

// rows * vectors accumulators in registers; both are constants after inlining.
PS_INLINE void tile(const int rows, const int vectors, int64_t depth, float alpha, const float *a, int64_t a_row,
                    int64_t a_step, const float *b, int64_t ldb, float *c, int64_t ldc, int32_t accumulate) {
  ps_vector sum[8][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sum[r][v] = (ps_vector){0};
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t l = 0; l < depth; l++) {
    ps_vector from_b[2];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) from_b[v] = *(const ps_vector *)(b + l * ldb + v * PS_LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const float scalar = a[r * a_row + l * a_step];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[r][v] += scalar * from_b[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ps_vector *out = (ps_vector *)(c + r * ldc + v * PS_LANES);
      ps_vector value = alpha * sum[r][v];
      if (accumulate) value += *out;
      *out = value;
    }
  }
}

// Stores (or adds) the first `columns` of each row of a tile that was computed aside.
PS_INLINE void store_narrow(const float *from, float *c, int64_t ldc, int64_t rows, int64_t columns,
                            int32_t accumulate) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t begin = 0; begin < columns; begin += PS_LANES) {
      const int64_t n = columns - begin < PS_LANES ? columns - begin : PS_LANES;
      float *out = c + r * ldc + begin;
      float block[PS_LANES];
      ps_load_part(out, block, n, 0.0f);
      const float *value = from + r * 2 * PS_LANES + begin;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) block[i] = value[i] + (accumulate ? block[i] : 0.0f);
      ps_store_part(block, out, n);
    }
  }
}

#define PS_TILE_CASE(ROWS, VECTORS)                                                              \
  case ROWS + 8 * (VECTORS - 1):                                                                 \
    tile(ROWS, VECTORS, k, alpha, ap, a_row, a_step, b + begin, ldb, out, out_row, add);         \
    break;

PS_CLONES void ps_small_product(int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t a_row,
                                int64_t a_step, const float *b, int64_t ldb, float *c, int64_t ldc,
                                int32_t accumulate) {
  // Eight rows of two AVX-512 vectors, or six rows of one 16-float vector where registers are 16 (AVX2) or short.
  const int wide = ps_has_wide_registers();
  const int64_t tallest = wide ? 8 : 6;
  const int64_t tiles = (m + tallest - 1) / tallest;
  float aside[8 * 2 * PS_LANES];
  for (int64_t begin = 0; begin < n;) {
    const int two = wide && n - begin > PS_LANES;
    const int64_t width = two ? 2 * PS_LANES : PS_LANES;
    const int narrow = n - begin < width;
    for (int64_t t = 0; t < tiles; t++) {
      // Tiles of nearly the same height: 13 rows are 6 + 7, not 8 + 5.
      const int64_t first = m * t / tiles, rows = m * (t + 1) / tiles - first;
      const float *ap = a + first * a_row;
      float *cp = c + first * ldc + begin;
      float *out = narrow ? aside : cp;
      const int64_t out_row = narrow ? 2 * PS_LANES : ldc;
      const int32_t add = narrow ? 0 : accumulate;
      switch (two ? rows + 8 : rows) {
        PS_EACH_TILE(PS_TILE_CASE)
      }
      if (narrow) store_narrow(aside, cp, ldc, rows, n - begin, accumulate);
    }
    begin += width;
  }
}

// One stage of a 16 x 16 transposition for all pairs of vectors `distance` apart: LOW and HIGH say which lanes of the
// pair make the two results.
#define PS_STAGE(distance, LOW, HIGH)                                         \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < PS_LANES; i++) {     \
    if ((i & (distance)) == 0) {                                              \
      const ps_vector lower = row[i], upper = row[i + (distance)];            \
      row[i] = __builtin_shufflevector(lower, upper, LOW);                    \
      row[i + (distance)] = __builtin_shufflevector(lower, upper, HIGH);      \
    }                                                                         \
  }
#define PS_LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define PS_HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define PS_LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define PS_HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define PS_LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define PS_HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define PS_LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define PS_HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31

PS_CLONES void ps_transpose(const float *x, int64_t ldx, int64_t rows, int64_t cols, float *t, int64_t ldt,
                            int32_t pads) {
  for (int64_t top = 0; top < rows; top += PS_LANES) {
    const int64_t height = rows - top < PS_LANES ? rows - top : PS_LANES;
    for (int64_t left = 0; left < cols; left += PS_LANES) {
      const int64_t width = cols - left < PS_LANES ? cols - left : PS_LANES;
      ps_vector row[PS_LANES];
      float narrow[PS_LANES][PS_LANES];
      const float *source = x + top * ldx + left;
      int64_t source_row = ldx;
      if (width < PS_LANES) {
        for (int64_t i = 0; i < height; i++) ps_load_part(source + i * ldx, narrow[i], width, 0.0f);
        source = narrow[0];
        source_row = PS_LANES;
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < PS_LANES; i++) {
        row[i] = (ps_vector){0};
        if (i < height) row[i] = *(const ps_vector *)(source + i * source_row);
      }
      PS_STAGE(1, PS_LOW_1, PS_HIGH_1)
      PS_STAGE(2, PS_LOW_2, PS_HIGH_2)
      PS_STAGE(4, PS_LOW_4, PS_HIGH_4)
      PS_STAGE(8, PS_LOW_8, PS_HIGH_8)
      float *target = t + left * ldt + top;
      if (height == PS_LANES || pads == PS_LANES || (pads && height > PS_HALF)) {
#pragma clang loop unroll(full)
        for (int i = 0; i < PS_LANES; i++) {
          if (i < width) *(ps_vector *)(target + i * ldt) = row[i];
        }
      } else if (pads) {
#pragma clang loop unroll(full)
        for (int i = 0; i < PS_LANES; i++) {
          if (i < width) memcpy(target + i * ldt, &row[i], sizeof(ps_half));
        }
      } else {
#pragma clang loop unroll(full)
        for (int i = 0; i < PS_LANES; i++) memcpy(narrow[i], &row[i], sizeof narrow[i]);
        for (int64_t i = 0; i < width; i++) ps_store_part(narrow[i], target + i * ldt, height);
      }
    }
  }
}
