#include "CKernels.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

PS_CLONES void ps_gru_step(const ps_recurrent_step *s, const float *previous, float *gates, float *h, float *y,
                           int64_t ldy) {
  const int64_t H = s->hidden;
  for (int64_t row = 0; row < s->count; row++) {
    const float *x = s->input_gates + s->rows[row] * 3 * H, *k = s->hidden_gates + row * 3 * H, *b = s->bias;
    const float *p = previous + row * H;
    float *g = gates + row * 4 * H, *state = h + row * H, *out = y + s->rows[row] * ldy;
    PS_INDEPENDENT for (int64_t u = s->first; u < s->last; u++) {
      float reset = ps_sigmoidf(x[u] + (k[u] + b[u]));
      float update = ps_sigmoidf(x[H + u] + (k[H + u] + b[H + u]));
      float inner = k[2 * H + u] + b[2 * H + u];
      float fresh = ps_tanhf(x[2 * H + u] + reset * inner);
      float value = (1.0f - update) * fresh + update * p[u];
      g[u] = reset;
      g[H + u] = update;
      g[2 * H + u] = fresh;
      g[3 * H + u] = inner;
      state[u] = value;
      out[u] = value;
    }
  }
}

PS_CLONES void ps_gru_step_backward(const ps_recurrent_slope *s, const float *previous) {
  const int64_t H = s->hidden;
  for (int64_t row = 0; row < s->count; row++) {
    const float *g = s->gates + row * 4 * H, *p = previous + row * H, *dy = s->dy + s->rows[row] * s->lddy;
    const float *later = s->later + row * H;
    float *direct = s->direct + row * H;
    float *dx = s->d_input_gates + s->rows[row] * 3 * H, *dk = s->d_hidden_gates + row * 3 * H;
    PS_INDEPENDENT for (int64_t u = s->first; u < s->last; u++) {
      float dh = dy[u] + later[u] + direct[u];
      float reset = g[u], update = g[H + u], fresh = g[2 * H + u];
      float d_fresh = dh * (1.0f - update) * (1.0f - fresh * fresh);
      float d_update = dh * (p[u] - fresh) * update * (1.0f - update);
      float d_reset = d_fresh * g[3 * H + u] * reset * (1.0f - reset);
      dx[u] = d_reset;
      dx[H + u] = d_update;
      dx[2 * H + u] = d_fresh;
      dk[u] = d_reset;
      dk[H + u] = d_update;
      dk[2 * H + u] = d_fresh * reset;
      direct[u] = dh * update;
    }
  }
}

PS_CLONES void ps_lstm_step(const ps_recurrent_step *s, const float *previous_cell, float *gates, float *cell, float *h,
                            float *y, int64_t ldy) {
  const int64_t H = s->hidden;
  for (int64_t row = 0; row < s->count; row++) {
    const float *x = s->input_gates + s->rows[row] * 4 * H, *k = s->hidden_gates + row * 4 * H, *b = s->bias;
    const float *p = previous_cell + row * H;
    float *g = gates + row * 4 * H, *c = cell + row * H, *state = h + row * H, *out = y + s->rows[row] * ldy;
    PS_INDEPENDENT for (int64_t u = s->first; u < s->last; u++) {
      float input = ps_sigmoidf(x[u] + (k[u] + b[u]));
      float forget = ps_sigmoidf(x[H + u] + (k[H + u] + b[H + u]));
      float fresh = ps_tanhf(x[2 * H + u] + (k[2 * H + u] + b[2 * H + u]));
      float output = ps_sigmoidf(x[3 * H + u] + (k[3 * H + u] + b[3 * H + u]));
      float kept = forget * p[u] + input * fresh;
      float value = output * ps_tanhf(kept);
      g[u] = input;
      g[H + u] = forget;
      g[2 * H + u] = fresh;
      g[3 * H + u] = output;
      c[u] = kept;
      state[u] = value;
      out[u] = value;
    }
  }
}

PS_CLONES void ps_lstm_step_backward(const ps_recurrent_slope *s, const float *previous_cell, const float *cell) {
  const int64_t H = s->hidden;
  for (int64_t row = 0; row < s->count; row++) {
    const float *g = s->gates + row * 4 * H, *p = previous_cell + row * H, *c = cell + row * H;
    const float *dy = s->dy + s->rows[row] * s->lddy, *later = s->later + row * H;
    float *direct = s->direct + row * H;
    float *dx = s->d_input_gates + s->rows[row] * 4 * H, *dk = s->d_hidden_gates + row * 4 * H;
    PS_INDEPENDENT for (int64_t u = s->first; u < s->last; u++) {
      float dh = dy[u] + later[u];
      float input = g[u], forget = g[H + u], fresh = g[2 * H + u], output = g[3 * H + u];
      float bent = ps_tanhf(c[u]);
      float dc = direct[u] + dh * output * (1.0f - bent * bent);
      float d_input = dc * fresh * input * (1.0f - input);
      float d_forget = dc * p[u] * forget * (1.0f - forget);
      float d_fresh = dc * input * (1.0f - fresh * fresh);
      float d_output = dh * bent * output * (1.0f - output);
      dx[u] = d_input;
      dx[H + u] = d_forget;
      dx[2 * H + u] = d_fresh;
      dx[3 * H + u] = d_output;
      dk[u] = d_input;
      dk[H + u] = d_forget;
      dk[2 * H + u] = d_fresh;
      dk[3 * H + u] = d_output;
      direct[u] = dc * forget;
    }
  }
}
