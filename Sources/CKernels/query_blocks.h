#ifndef POTSTILL_QUERY_BLOCKS_H
#define POTSTILL_QUERY_BLOCKS_H

#include "simd.h"
#include "small_product.h"

// Queries are taken in blocks of up to 32. The map of a block lies transposed in scratch, [keys, width] with width 16
// or 32, so that the softmax of 16 queries runs down the rows of vectors and needs no sum across lanes. Lanes beyond
// the block's last query hold numbers that nobody reads.
enum { block_queries = 2 * PS_LANES };

PS_INLINE int64_t round_up(int64_t n) { return (n + PS_LANES - 1) / PS_LANES * PS_LANES; }

// The length of the block that starts with `query`.
PS_INLINE int64_t block_length(int64_t queries, int64_t query) {
  return queries - query < block_queries ? queries - query : block_queries;
}

// An operand whose rows may be read in whole vectors: itself when they are whole, else a copy with zeros behind.
PS_INLINE const float *widened(const float *x, int64_t *ldx, int64_t rows, int64_t cols, float *copy) {
  const int64_t whole = cols / PS_LANES * PS_LANES, width = round_up(cols);
  if (whole == cols) return x;
  for (int64_t r = 0; r < rows; r++) {
    const float *from = x + r * *ldx;
    float *to = copy + r * width, tail[PS_LANES];
    for (int64_t c = 0; c < whole; c += PS_LANES) memcpy(to + c, from + c, PS_LANES * sizeof(float));
    ps_load_part(from + whole, tail, cols - whole, 0.0f);
    memcpy(to + whole, tail, sizeof tail);
  }
  *ldx = width;
  return copy;
}

#endif
