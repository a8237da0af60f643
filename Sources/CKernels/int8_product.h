#ifndef POTSTILL_INT8_PRODUCT_H
#define POTSTILL_INT8_PRODUCT_H

#include "CKernels.h"
#include "simd.h"

// A weight is packed in panels of so many outputs; in a panel, each group of four inputs lies together for all outputs.
enum { panel_outputs = 16, panel_group = 4, group_bytes = panel_outputs * panel_group };

// Rows that go through all panels before the next ones: their bytes stay in the first-level or second-level cache.
enum { block_rows = 48 };

PS_INLINE int64_t ps_int8_groups(int64_t inputs) { return (inputs + panel_group - 1) / panel_group; }

// One body per instruction set, made from int8_tile.h; each takes what ps_int8_linear takes.
#define PS_INT8_ARGUMENTS                                                                              \
  const uint8_t *x, const float *x_scales, const int32_t *x_zeros, int64_t rows, const int8_t *packed, \
      const int32_t *sums, const float *scales, const float *bias, float *y, int64_t outputs, int64_t inputs, int64_t ldy
void ps_int8_linear_plain(PS_INT8_ARGUMENTS);
#if defined(__x86_64__)
void ps_int8_linear_avx2(PS_INT8_ARGUMENTS);
void ps_int8_linear_avx_vnni(PS_INT8_ARGUMENTS);
void ps_int8_linear_avx512_vnni(PS_INT8_ARGUMENTS);
#elif defined(__aarch64__)
void ps_int8_linear_neon(PS_INT8_ARGUMENTS);
#endif

#endif
