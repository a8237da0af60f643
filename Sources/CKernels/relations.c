#include "CKernels.h"
#include "query_blocks.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

// The layout of scratch: both sides' maps of a block, one operand of the block transposed, and copies with whole vectors
// of one operand of all rows and one of the block.
int64_t ps_relation_scratch(int64_t rows, int64_t teacher_dim, int64_t student_dim) {
  const int64_t largest = teacher_dim > student_dim ? teacher_dim : student_dim;
  return 2 * rows * block_queries + largest * block_queries + (rows + block_queries) * round_up(student_dim);
}

// A block's products into map, [rows, width].
PS_INLINE void relate(const ps_relation *r, int64_t rows, int64_t query, int64_t n, float *transposed, float *map) {
  const int64_t width = round_up(n);
  ps_transpose(r->a + query * r->ld, r->ld, n, r->dim, transposed, width, PS_LANES);
  ps_small_product(rows, width, r->dim, r->scale, r->b, r->ld, 1, transposed, width, map, width, 0);
}

PS_INLINE void column_peaks(const float *column, int64_t rows, int64_t width, float *peak) {
  PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) peak[i] = column[i];
  for (int64_t j = 1; j < rows; j++) {
    const float *x = column + j * width;
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) peak[i] = x[i] > peak[i] ? x[i] : peak[i];
  }
}

// The sum of KL(softmax(teacher) || softmax(student)) over the columns; the student's map becomes the difference of the
// probabilities, student less teacher. Lanes without a query hold zeros on both sides, so they add 0.
PS_INLINE double divergence_columns(float *teacher, float *student, int64_t rows, int64_t width) {
  double total = 0.0;
  for (int64_t v = 0; v < width; v += PS_LANES) {
    float *t = teacher + v, *s = student + v;
    float peak_t[PS_LANES], peak_s[PS_LANES], sum_t[PS_LANES], sum_s[PS_LANES], dot[PS_LANES];
    column_peaks(t, rows, width, peak_t);
    column_peaks(s, rows, width, peak_s);
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) sum_t[i] = sum_s[i] = dot[i] = 0.0f;
    for (int64_t j = 0; j < rows; j++) {
      float *tj = t + j * width, *sj = s + j * width;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
        const float x = tj[i] - peak_t[i], y = sj[i] - peak_s[i];
        const float p = ps_exp_nonpositive(x), q = ps_exp_nonpositive(y);
        sum_t[i] += p;
        sum_s[i] += q;
        dot[i] += p * (x - y);
        tj[i] = p;
        sj[i] = q;
      }
    }
    for (int32_t i = 0; i < PS_LANES; i++) total += (double)(dot[i] / sum_t[i] + ps_logf(sum_s[i] / sum_t[i]));
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
      sum_t[i] = 1.0f / sum_t[i];
      sum_s[i] = 1.0f / sum_s[i];
    }
    for (int64_t j = 0; j < rows; j++) {
      const float *tj = t + j * width;
      float *sj = s + j * width;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) sj[i] = sj[i] * sum_s[i] - tj[i] * sum_t[i];
    }
  }
  return total;
}

PS_CLONES double ps_relation_divergence(int64_t rows, const ps_relation *teacher, const ps_relation *student,
                                        float weight, float *da, float *db, float *scratch) {
  const int64_t map = rows * block_queries, d = student->dim;
  const int64_t largest = teacher->dim > d ? teacher->dim : d;
  float *taught = scratch, *learnt = taught + map, *transposed = learnt + map;
  float *all_rows = transposed + largest * block_queries, *block = all_rows + rows * round_up(d);
  int64_t ldb = student->ld;
  const float *b = da ? widened(student->b, &ldb, rows, d, all_rows) : student->b;
  double total = 0.0;
  for (int64_t query = 0; query < rows; query += block_queries) {
    const int64_t n = block_length(rows, query), width = round_up(n);
    relate(teacher, rows, query, n, transposed, taught);
    relate(student, rows, query, n, transposed, learnt);
    total += divergence_columns(taught, learnt, rows, width);
    const float factor = weight * student->scale;
    if (da) {
      ps_small_product(n, d, rows, factor, learnt, 1, width, b, ldb, da + query * student->ld, student->ld, 1);
    }
    if (db) {
      int64_t lda = student->ld;
      const float *a = widened(student->a + query * student->ld, &lda, n, d, block);
      ps_small_product(rows, d, n, factor, learnt, width, 1, a, lda, db, student->ld, 1);
    }
  }
  return total;
}
