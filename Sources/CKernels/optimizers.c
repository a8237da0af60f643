#include "CKernels.h"
#include "simd.h"

#pragma clang fp contract(fast)

PS_CLONES void ps_adamw(float *p, const float *g, float *m, float *v, int64_t n, float learning_rate, float beta1,
                        float beta2, float epsilon, float kept, float bias1, float bias2, float grad_scale) {
  const float step = learning_rate / bias1;
  const float inverse_root = 1.0f / __builtin_elementwise_sqrt(bias2);
  const float toward1 = 1.0f - beta1, toward2 = 1.0f - beta2;
  PS_INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const float gradient = g[i] * grad_scale;
    const float mean = m[i] + (gradient - m[i]) * toward1;
    const float square = v[i] * beta2 + (gradient * gradient) * toward2;
    const float denominator = __builtin_elementwise_sqrt(square) * inverse_root + epsilon;
    m[i] = mean;
    v[i] = square;
    p[i] = p[i] * kept - step * (mean / denominator);
  }
}

PS_CLONES void ps_sgd(float *p, const float *g, float *buffer, int64_t n, float learning_rate, float momentum,
                      float weight_decay, int32_t nesterov, int32_t first, float grad_scale) {
  const float old = first ? 0.0f : momentum;
  const float look_ahead = nesterov ? momentum : 1.0f;
  const float plain = nesterov ? 1.0f : 0.0f;
  if (momentum == 0.0f || !buffer) {
    PS_INDEPENDENT for (int64_t i = 0; i < n; i++) {
      p[i] -= learning_rate * (g[i] * grad_scale + weight_decay * p[i]);
    }
    return;
  }
  PS_INDEPENDENT for (int64_t i = 0; i < n; i++) {
    const float gradient = g[i] * grad_scale + weight_decay * p[i];
    const float b = (first ? 0.0f : old * buffer[i]) + gradient;
    buffer[i] = b;
    p[i] -= learning_rate * (plain * gradient + look_ahead * b);
  }
}
