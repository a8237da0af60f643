#ifndef POTSTILL_CKERNELS_H
#define POTSTILL_CKERNELS_H

#include <stdint.h>

// SIMD loops that Swift cannot dispatch at run time. Stateless: no allocation, no globals, no threads. Rows are
// `cols` floats long and start `ld...` floats apart. Pointers named as outputs must not overlap inputs unless a
// comment says "may alias".

#ifdef __cplusplus
extern "C" {
#endif

// ---- activations --------------------------------------------------------------------------------------------
// kind: 0 none, 1 gelu (erf), 2 gelu_new (tanh approximation), 3 relu, 4 tanh, 5 silu, 6 sigmoid, 7 quick_gelu, 8 mish
void ps_activation(int32_t kind, const float *x, float *y, int64_t n);  // y may alias x
// dx = dy * f'(x), x is the value before the activation; dx may alias dy.
void ps_activation_backward(int32_t kind, const float *x, const float *dy, float *dx, int64_t n);
// x += bias (per column), then y = f(x); x keeps the biased value for backward; y may be x.
void ps_bias_activation(int32_t kind, float *x, const float *bias, float *y, int64_t rows, int64_t cols, int64_t ldx,
                        int64_t ldy);

// ---- linear layers of few rows ------------------------------------------------------------------------------
// A BLAS packs the whole weight before it multiplies, which few rows do not repay. Here the rows are transposed instead,
// and the weight is read from memory once, as it lies.
enum { ps_thin_rows = 512 };  // with more rows, workers that take rows and pack the weight each are as fast
// t[cols, width] = x[rows, cols] transposed, zeros behind; width is rows rounded up to a multiple of 8.
void ps_transposed_rows(const float *x, int64_t rows, int64_t cols, float *t, int64_t width);
// y[rows, outputs] = x weight^T + bias, t from above, at most ps_thin_rows rows, the weight's rows ldw floats apart; here
// and below bias may be NULL.
void ps_thin_linear(const float *t, int64_t width, const float *weight, int64_t ldw, const float *bias, float *y,
                    int64_t rows, int64_t outputs, int64_t inputs, int64_t ldy);
// The same transposed, y[outputs, width]: what the next layer takes. The weight [outputs, inputs] has no gaps.
void ps_thin_linear_transposed(const float *t, int64_t width, const float *weight, const float *bias, float *y,
                               int64_t outputs, int64_t inputs);
// y[rows, outputs] = x weight^T + bias for so few rows, x [rows, inputs], that most of a vector of rows would be empty.
void ps_few_rows_linear(const float *x, const float *weight, int64_t ldw, const float *bias, float *y, int64_t rows,
                        int64_t outputs, int64_t inputs, int64_t ldy);
enum { ps_few_rows = 8 };  // up to this many rows it is the faster one

// ---- linear layers of 8-bit integers ------------------------------------------------------------------------
// y = x weight^T + bias with x in rows of bytes, each row with its scale and zero (value = scale (byte - zero)), and the
// weight in signed bytes -127 ... 127, each output with its scale. Sums are exact in 32 bits for up to 66,000 inputs.
enum { ps_int8_plain, ps_int8_avx2, ps_int8_avx_vnni, ps_int8_avx512_vnni, ps_int8_neon };  // kernels, equal to the bit
int32_t ps_int8_has_kernel(int32_t kernel);  // whether it runs on this processor
enum { ps_int8_panel = 16 };  // outputs that are packed together; a part of a weight begins at a multiple
int64_t ps_int8_packed_bytes(int64_t outputs, int64_t inputs);
// packed from weight[outputs, inputs], and its sums per output, which a product needs.
void ps_int8_pack(const int8_t *weight, int8_t *packed, int32_t *sums, int64_t outputs, int64_t inputs);
void ps_int8_unpack(const int8_t *packed, int8_t *weight, int64_t outputs, int64_t inputs);
// q = round(x / scale) with scale = max |x| / 127 of each row [rows, cols], ties to even; NaN or infinite values make the scale
// NaN or infinite.
void ps_int8_symmetric_rows(const float *x, int8_t *q, float *scales, int64_t rows, int64_t cols);
// q[rows, cols rounded up to a multiple of 4], scale and zero of each row: 255 steps from its least value or 0 to its
// largest or 0. The scale is NaN where a value is NaN or infinite.
void ps_int8_rows(const float *x, uint8_t *q, float *scales, int32_t *zeros, int64_t rows, int64_t cols, int64_t ldx);
// y[rows, outputs] from ps_int8_rows and ps_int8_pack; sums and scales have outputs rounded up to whole panels, bias may be
// NULL.
void ps_int8_linear(int32_t kernel, const uint8_t *x, const float *x_scales, const int32_t *x_zeros, int64_t rows,
                    const int8_t *packed, const int32_t *sums, const float *scales, const float *bias, float *y,
                    int64_t outputs, int64_t inputs, int64_t ldy);
// y[r] = scales[ids[r]] table[ids[r]], or y[r] += it.
void ps_int8_gather(const int8_t *table, const float *scales, const int32_t *ids, float *y, int64_t rows, int64_t cols,
                    int32_t accumulate);

// ---- linear layers without blocks of zeros ----------------------------------------------------------------------
enum { ps_block_outputs = 32 };
// Floats that ps_block_pack fills.
int64_t ps_block_pack_count(int64_t rows, int64_t inputs);
// x[rows, inputs] in groups of rows, input by input, as ps_block_linear reads them.
void ps_block_pack(const float *x, int64_t rows, int64_t inputs, float *t);
// y = x W^T + bias of packed rows. Panel p of 32 outputs has the inputs kept[starts[p] ... starts[p + 1]] with weights [.., 32];
// bias has values up to whole panels.
void ps_block_linear(const float *t, int64_t rows, int64_t inputs, const float *weights, const int32_t *kept,
                     const int32_t *starts, const float *bias, float *y, int64_t outputs, int64_t ldy);

// ---- element-wise (out may alias any input) -----------------------------------------------------------------
void ps_add(const float *a, const float *b, float *out, int64_t n);
void ps_subtract(const float *a, const float *b, float *out, int64_t n);
void ps_multiply(const float *a, const float *b, float *out, int64_t n);
void ps_divide(const float *a, const float *b, float *out, int64_t n);
void ps_scale(const float *a, float s, float *out, int64_t n);           // out = s a
void ps_affine(const float *a, float s, float t, float *out, int64_t n);  // out = s a + t
void ps_axpy(float s, const float *x, float *y, int64_t n);              // y += s x
void ps_multiply_add(const float *a, const float *b, float *y, int64_t n);  // y += a b
void ps_exp(const float *x, float *y, int64_t n);
void ps_log(const float *x, float *y, int64_t n);
void ps_sqrt(const float *x, float *y, int64_t n);
void ps_fill(float *y, float value, int64_t n);

// ---- reductions ---------------------------------------------------------------------------------------------
double ps_sum(const float *x, int64_t n);
double ps_dot(const float *a, const float *b, int64_t n);
double ps_sum_squares(const float *x, int64_t n);
// out[c] += sum over rows of x[r][c]; in row order, so the result does not depend on blocking.
void ps_column_sums(const float *x, float *out, int64_t rows, int64_t cols, int64_t ldx);

// ---- softmax ------------------------------------------------------------------------------------------------
// y = softmax(scale * x) per row; y may alias x
void ps_softmax(const float *x, float *y, int64_t rows, int64_t cols, int64_t ldx, int64_t ldy, float scale);
// dx = scale * y * (dy - sum(y dy)) per row; dx may alias dy
void ps_softmax_backward(const float *y, const float *dy, float *dx, int64_t rows, int64_t cols, int64_t ldy,
                         int64_t lddy, int64_t lddx, float scale);
// y = log_softmax(scale * x) per row; y may alias x
void ps_log_softmax(const float *x, float *y, int64_t rows, int64_t cols, float scale);

// ---- attention of one head over one sequence ------------------------------------------------------------------
// For short sequences, where the products are too small for BLAS: everything between the reads of q, k, v and the
// write of the output stays in `scratch`. Rows of q and dq are ldq floats apart, and so on for k, v and out (o).
typedef struct {
  int64_t queries, keys, head_dim;
  int64_t ldq, ldk, ldv, ldo;
  float scale;                   // S = scale Q K^T
  float probability;             // of dropping an attention probability; 0 skips dropout
  uint64_t seed, stream, first;  // element [i, j] has the dropout counter first + i * keys + j
} ps_attention;
// Floats of scratch that either pass needs.
int64_t ps_attention_scratch(int64_t keys, int64_t head_dim);
// out = dropout(softmax(S)) V. scores (S) and probs (softmax(S), before dropout) are [queries, keys] without gaps; either
// may be NULL.
void ps_attention_forward(const ps_attention *shape, const float *q, const float *k, const float *v, float *out,
                          float *scores, float *probs, float *scratch);
// dq, dk and dv are overwritten, or added to where the bit of `accumulate` is set (1 dq, 2 dk, 4 dv); any may be NULL.
// probs is what forward gave, or NULL to compute it again as forward did. dout, and the gradients that reach probs and scores from elsewhere, may be NULL.
void ps_attention_backward(const ps_attention *shape, const float *q, const float *k, const float *v,
                           const float *probs, const float *dout, const float *dprobs, const float *dscores, float *dq,
                           float *dk, float *dv, int32_t accumulate, float *scratch);

// ---- relations of one head over one sequence ---------------------------------------------------------------------
// How the rows of a sequence relate to each other: softmax(scale A B^T) row by row, as attention does it.
typedef struct {
  const float *a, *b;  // `rows` rows of `dim` floats, ld floats apart
  int64_t dim, ld;
  float scale;
} ps_relation;
// Floats of scratch that it needs.
int64_t ps_relation_scratch(int64_t rows, int64_t teacher_dim, int64_t student_dim);
// The sum over rows of KL(teacher's relation || student's). weight times its gradient is added to da and db, whose rows
// lie as the student's do; either may be NULL, and both may be one where a and b are.
double ps_relation_divergence(int64_t rows, const ps_relation *teacher, const ps_relation *student, float weight,
                              float *da, float *db, float *scratch);

// ---- dropout: keep bit of element i depends on (seed, stream, i) only ------------------------------------------
// A counter-based 32-bit hash; element first+i is kept when hash >= probability * 2^32 and scaled by 1/(1-p).
// The same call applies the mask to a gradient. y may alias x.
void ps_dropout(const float *x, float *y, int64_t n, uint64_t seed, uint64_t stream, uint64_t first,
                float probability);

// ---- residual + dropout + LayerNorm ---------------------------------------------------------------------------
// z = residual + dropout(x) (residual may be NULL: z = x dropped), mean/rstd of z per row, y = (z - mean) rstd gamma + beta.
// z is not stored: normalized = (z - mean) rstd is (it is what backward needs); normalized may be NULL in inference.
// Row r's dropout counters start at first + r * cols. probability 0 skips dropout. rstd: [rows], may be NULL with normalized.
void ps_residual_layer_norm(const float *x, const float *residual, const float *gamma, const float *beta, float *y,
                            float *normalized, float *rstd, int64_t rows, int64_t cols, float epsilon, uint64_t seed,
                            uint64_t stream, uint64_t first, float probability);
// dz from dy; then dresidual (+)= dz and dx (+)= dropout mask * dz. `accumulate_*` 1 adds, 0 overwrites; either pointer may be NULL.
// dgamma/dbeta are partial sums of these rows, always added to (the caller zeroes them).
void ps_residual_layer_norm_backward(const float *dy, const float *normalized, const float *rstd, const float *gamma,
                                     float *dx, int32_t accumulate_dx, float *dresidual, int32_t accumulate_dresidual,
                                     float *dgamma, float *dbeta, int64_t rows, int64_t cols, uint64_t seed,
                                     uint64_t stream, uint64_t first, float probability);

// ---- embeddings -------------------------------------------------------------------------------------------------
// y[r] = word[ids[r]] + position[positions[r]] + segment[segments[r]] (segment table may be NULL)
void ps_embedding_sum(const float *word, const float *position, const float *segment, const int32_t *ids,
                      const int32_t *positions, const int32_t *segments, float *y, int64_t rows, int64_t cols);
// table[ids[r]] += dy[r] for rows in order, only for columns [column_begin, column_end): workers split columns, so the
// order of additions (and so the bits) never depends on the number of threads.
void ps_scatter_add_rows(float *table, const int32_t *ids, const float *dy, int64_t rows, int64_t cols,
                         int64_t column_begin, int64_t column_end);

// ---- one step of a recurrent layer ------------------------------------------------------------------------------
// `count` sequences are still running; row r of theirs is row rows[r] of the whole layer's rows. Units first ..< last are
// computed. Gates lie one after the other, `hidden` values each, in PyTorch's order: GRU reset, update, new; LSTM input,
// forget, cell, output.
typedef struct {
  int64_t count, hidden, first, last;
  const int32_t *rows;
  const float *input_gates;   // x W_ih^T + b_ih of the whole layer
  const float *hidden_gates;  // h W_hh^T of the running sequences; `bias` is b_hh
  const float *bias;
} ps_recurrent_step;
// previous, h: [count, hidden]. gates [count, 4 hidden] keeps reset, update, new and the hidden part of new, for backward.
void ps_gru_step(const ps_recurrent_step *s, const float *previous, float *gates, float *h, float *y, int64_t ldy);
// previous_cell, cell, h: [count, hidden]. gates [count, 4 hidden] keeps the four gates.
void ps_lstm_step(const ps_recurrent_step *s, const float *previous_cell, float *gates, float *cell, float *h, float *y,
                  int64_t ldy);
// What a step backward reads and writes: `later` is what the next step's products give h, [count, hidden]; `direct` what it
// gives h (GRU) or the cell (LSTM) without a product, replaced by what this step gives the one before it.
typedef struct {
  int64_t count, hidden, first, last;
  const int32_t *rows;
  const float *gates, *dy;
  int64_t lddy;
  const float *later;
  float *direct;
  float *d_input_gates;   // by row of the whole layer
  float *d_hidden_gates;  // [count, gates * hidden]
} ps_recurrent_slope;
void ps_gru_step_backward(const ps_recurrent_slope *s, const float *previous);
void ps_lstm_step_backward(const ps_recurrent_slope *s, const float *previous_cell, const float *cell);

// ---- optimizers ---------------------------------------------------------------------------------------------------
// AdamW (Loshchilov & Hutter 2019), PyTorch's order of operations: p *= kept = 1 - lr wd; m, v updated from g*grad_scale;
// p -= lr/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps). bias1 = 1-b1^t, bias2 = 1-b2^t (1 when bias correction is off).
void ps_adamw(float *p, const float *g, float *m, float *v, int64_t n, float learning_rate, float beta1, float beta2,
              float epsilon, float kept, float bias1, float bias2, float grad_scale);
// SGD with momentum as PyTorch's: g' = g*grad_scale + wd p; buf = momentum buf + g' (buf = g' when first); p -= lr (nesterov ? g' + momentum buf : buf)
void ps_sgd(float *p, const float *g, float *buffer, int64_t n, float learning_rate, float momentum,
            float weight_decay, int32_t nesterov, int32_t first, float grad_scale);
// Adafactor (Shazeer and Stern 2018) in three passes over rows x columns gradients. The sums of (g*grad_scale)^2 of each row and, over
// these rows, of each column; the sum of the squared updates u = g*grad_scale * row factor * column factor; then
// p = p*kept - u*step, or through a running mean m (NULL for none): m = beta1 m + (1-beta1) u*step, p = p*kept - m.
void ps_adafactor_squares(const float *g, double *row_sums, double *column_sums, int64_t rows, int64_t columns,
                          float grad_scale);
double ps_adafactor_norm(const float *g, const float *row_factors, const float *column_factors, int64_t rows,
                         int64_t columns, float grad_scale);
void ps_adafactor(float *p, const float *g, float *m, const float *row_factors, const float *column_factors, int64_t rows,
                  int64_t columns, float step, float beta1, float kept, float grad_scale);

// ---- conversion -----------------------------------------------------------------------------------------------
void ps_f16_to_f32(const uint16_t *x, float *y, int64_t n);
void ps_bf16_to_f32(const uint16_t *x, float *y, int64_t n);
// To the nearest, ties to even; returns how many values are NaN or too large (65520 and more), which become NaN or infinity.
int64_t ps_f32_to_f16(const float *x, uint16_t *y, int64_t n);
// The same for bfloat16, too large from 0x1.ffp127 on.
int64_t ps_f32_to_bf16(const float *x, uint16_t *y, int64_t n);

// ---- waiting --------------------------------------------------------------------------------------------------
// Tells the processor that this is a spinning loop.
static inline void ps_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif
#endif
