#include "CKernels.h"
#include "dropout_mask.h"

PS_CLONES void ps_dropout(const float *x, float *y, int64_t n, uint64_t seed, uint64_t stream, uint64_t first,
                          float probability) {
  const float scale = ps_keep_scale(probability);
  PS_FOR_MASKED(n, seed, stream, first, probability, y[i] = kept ? x[i] * scale : 0.0f;)
}
