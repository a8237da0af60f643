// The product of rows of bytes with a packed weight, for one instruction set. The file that includes this defines before
//   PS_INT8_FUNCTION            the name of the function
//   lanes                       32-bit sums in a register
//   tallest, widest, flat       the most rows of a tile, its most panels, and the most rows with which it is twice as wide
//   zero_offset                 what is taken off every byte of x before it is multiplied
//   int8_sums, int8_floats      vectors of `lanes`
//   int8_inputs, int8_weights   four inputs for every lane; four weights of every lane
//   inputs_at(x), weights_at(w), dot(sums, inputs, weights)
// Integers are exact, and floats are computed in one order without contraction, so that all give the same bits.

#pragma clang fp contract(off)

enum { pieces = panel_outputs / lanes };

// y of so many rows and panels as are constants after inlining. What lies at `ahead`, as long as the panels, is brought
// nearer meanwhile: weights that come from memory are waited for otherwise.
PS_INLINE void tile(const int rows, const int panels, const uint8_t *x, const float *x_scales, const int32_t *x_zeros,
                    const int8_t *packed, const int32_t *sums, const float *scales, const float *bias, float *y,
                    int64_t groups, int64_t ldy, const int8_t *ahead) {
  const int vectors = panels * pieces;
  int8_sums sum[tallest][2 * widest * pieces];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int8_sums of_weights = *(const int8_sums *)(sums + v * lanes);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sum[r][v] = of_weights * (zero_offset - x_zeros[r]);
  }
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t g = 0; g < groups; g++) {
    int8_weights w[2 * widest * pieces];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      w[v] = weights_at(packed + (v / pieces * groups + g) * group_bytes + v % pieces * lanes * panel_group);
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) __builtin_prefetch(ahead + (p * groups + g) * group_bytes, 0, 2);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      const int8_inputs in = inputs_at(x + (r * groups + g) * panel_group);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[r][v] = dot(sum[r][v], in, w[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int8_floats scale = *(const int8_floats *)(scales + v * lanes);
    const int8_floats shift = *(const int8_floats *)(bias + v * lanes);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
      *(int8_floats *)(y + r * ldy + v * lanes) =
          __builtin_convertvector(sum[r][v], int8_floats) * (scale * x_scales[r]) + shift;
  }
}

#define PS_INT8_CASE(ROWS, PANELS)                                                                           \
  case ROWS + 16 * PANELS:                                                                                   \
    if (ROWS <= tallest && PANELS <= (ROWS <= flat ? 2 : 1) * widest)                                        \
      tile(ROWS <= tallest ? ROWS : 1, PANELS <= 2 * widest ? PANELS : 1, x + first * groups * panel_group,  \
           x_scales + first, x_zeros + first, panel, sums + column, scales + column, shift, out,             \
           groups, out_row, ahead);                                                                              \
    break;
#define PS_INT8_ROWS(PANELS)                                                                                         \
  PS_INT8_CASE(1, PANELS) PS_INT8_CASE(2, PANELS) PS_INT8_CASE(3, PANELS) PS_INT8_CASE(4, PANELS)                    \
  PS_INT8_CASE(5, PANELS) PS_INT8_CASE(6, PANELS) PS_INT8_CASE(7, PANELS) PS_INT8_CASE(8, PANELS)                    \
  PS_INT8_CASE(9, PANELS) PS_INT8_CASE(10, PANELS) PS_INT8_CASE(11, PANELS) PS_INT8_CASE(12, PANELS)

void PS_INT8_FUNCTION(PS_INT8_ARGUMENTS) {
  const int64_t groups = ps_int8_groups(inputs);
  float aside[tallest * 2 * widest * panel_outputs], shift[2 * widest * panel_outputs];
  for (int64_t top = 0; top < rows; top += block_rows) {
    const int64_t height = rows - top < block_rows ? rows - top : block_rows;
    const int64_t tiles = (height + tallest - 1) / tallest;
    const int64_t width = height <= flat ? 2 * widest : widest;
    for (int64_t column = 0; column < outputs;) {
      const int64_t left = (outputs - column + panel_outputs - 1) / panel_outputs;
      const int64_t panels = left < width ? left : width;
      const int64_t covered = panels * panel_outputs;
      const int64_t wanted = outputs - column < covered ? outputs - column : covered;
      const int narrow = wanted < covered;
      for (int64_t i = 0; i < covered; i++) shift[i] = bias && i < wanted ? bias[column + i] : 0.0f;
      const int8_t *panel = packed + column * groups * panel_group;
      // The next panels are as many unless they are the last, which then may end before.
      const int8_t *next = left >= 2 * width ? panel + covered * groups * panel_group : panel;
      for (int64_t number = 0; number < tiles; number++) {
        // Tiles of nearly the same height: 25 rows are 8 + 8 + 9, not 12 + 12 + 1.
        const int64_t first = top + height * number / tiles, count = top + height * (number + 1) / tiles - first;
        float *to = y + first * ldy + column;
        float *out = narrow ? aside : to;
        const int64_t out_row = narrow ? covered : ldy;
        const int8_t *ahead = number == 0 ? next : panel;
        switch (count + 16 * panels) {
          PS_INT8_ROWS(1)
          PS_INT8_ROWS(2)
          PS_INT8_ROWS(3)
          PS_INT8_ROWS(4)
        }
        if (narrow) {
          for (int64_t r = 0; r < count; r++)
            memcpy(to + r * ldy, aside + r * covered, (size_t)wanted * sizeof *to);
        }
      }
      column += covered;
    }
  }
}
