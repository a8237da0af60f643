#include "CKernels.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

// Runs LOOP(f) for the function that `kind` names; the switch stays outside the loop.
#define PS_SWITCH_ACTIVATION(kind, LOOP)  \
  switch (kind) {                         \
    case 1: LOOP(ps_geluf) break;         \
    case 2: LOOP(ps_gelu_tanhf) break;    \
    case 3: LOOP(ps_reluf) break;         \
    case 4: LOOP(ps_tanhf) break;         \
    case 5: LOOP(ps_siluf) break;         \
    case 6: LOOP(ps_sigmoidf) break;      \
    case 7: LOOP(ps_quick_geluf) break;   \
    case 8: LOOP(ps_mishf) break;         \
    default: LOOP(PS_IDENTITY) break;     \
  }
#define PS_SWITCH_SLOPE(kind, LOOP)            \
  switch (kind) {                              \
    case 1: LOOP(ps_gelu_slope) break;         \
    case 2: LOOP(ps_gelu_tanh_slope) break;    \
    case 3: LOOP(ps_relu_slope) break;         \
    case 4: LOOP(ps_tanh_slope) break;         \
    case 5: LOOP(ps_silu_slope) break;         \
    case 6: LOOP(ps_sigmoid_slope) break;      \
    case 7: LOOP(ps_quick_gelu_slope) break;   \
    case 8: LOOP(ps_mish_slope) break;         \
    default: LOOP(PS_UNIT_SLOPE) break;        \
  }
#define PS_IDENTITY(x) (x)
#define PS_UNIT_SLOPE(x) 1.0f

PS_CLONES void ps_activation(int32_t kind, const float *x, float *y, int64_t n) {
#define LOOP(f) \
  PS_INDEPENDENT for (int64_t i = 0; i < n; i++) y[i] = f(x[i]);
  PS_SWITCH_ACTIVATION(kind, LOOP)
#undef LOOP
}

PS_CLONES void ps_activation_backward(int32_t kind, const float *x, const float *dy, float *dx, int64_t n) {
#define LOOP(f) \
  PS_INDEPENDENT for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * f(x[i]);
  PS_SWITCH_SLOPE(kind, LOOP)
#undef LOOP
}

PS_CLONES void ps_bias_activation(int32_t kind, float *x, const float *bias, float *y, int64_t rows, int64_t cols,
                                  int64_t ldx, int64_t ldy) {
#define LOOP(f)                                     \
  for (int64_t r = 0; r < rows; r++) {              \
    float *xr = x + r * ldx, *yr = y + r * ldy;     \
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) { \
      float v = xr[c] + bias[c];                    \
      xr[c] = v;                                    \
      yr[c] = f(v);                                 \
    }                                               \
  }
  PS_SWITCH_ACTIVATION(kind, LOOP)
#undef LOOP
}
