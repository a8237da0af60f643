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

// ---- Adafactor ------------------------------------------------------------------------------------------------

PS_CLONES void ps_adafactor_squares(const float *g, double *row_sums, double *column_sums, int64_t rows, int64_t columns,
                                    float grad_scale) {
  for (int64_t c = 0; c < columns; c++) column_sums[c] = 0.0;
  for (int64_t r = 0; r < rows; r++) {
    const float *row = g + r * columns;
    double sums[8] = {0};
    int64_t c = 0;
    for (; c + 8 <= columns; c += 8) {
      for (int lane = 0; lane < 8; lane++) {
        const double gradient = (double)row[c + lane] * grad_scale;
        sums[lane] += gradient * gradient;
        column_sums[c + lane] += gradient * gradient;
      }
    }
    for (; c < columns; c++) {
      const double gradient = (double)row[c] * grad_scale;
      sums[0] += gradient * gradient;
      column_sums[c] += gradient * gradient;
    }
    row_sums[r] = ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
  }
}

PS_CLONES double ps_adafactor_norm(const float *g, const float *row_factors, const float *column_factors, int64_t rows,
                                   int64_t columns, float grad_scale) {
  double total = 0.0;
  for (int64_t r = 0; r < rows; r++) {
    const float *row = g + r * columns;
    const float factor = row_factors[r] * grad_scale;
    double sums[8] = {0};
    int64_t c = 0;
    for (; c + 8 <= columns; c += 8)
      for (int lane = 0; lane < 8; lane++) {
        const float update = row[c + lane] * factor * column_factors[c + lane];
        sums[lane] += (double)update * update;
      }
    for (; c < columns; c++) {
      const float update = row[c] * factor * column_factors[c];
      sums[0] += (double)update * update;
    }
    total += ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
  }
  return total;
}

PS_CLONES void ps_adafactor(float *p, const float *g, float *m, const float *row_factors, const float *column_factors,
                            int64_t rows, int64_t columns, float step, float beta1, float kept, float grad_scale) {
  for (int64_t r = 0; r < rows; r++) {
    float *weights = p + r * columns;
    const float *row = g + r * columns;
    const float factor = row_factors[r] * grad_scale;
    if (m) {
      float *mean = m + r * columns;
      PS_INDEPENDENT for (int64_t c = 0; c < columns; c++) {
        const float update = row[c] * factor * column_factors[c] * step;
        mean[c] = mean[c] * beta1 + update * (1.0f - beta1);
        weights[c] = weights[c] * kept - mean[c];
      }
    } else {
      PS_INDEPENDENT for (int64_t c = 0; c < columns; c++)
        weights[c] = weights[c] * kept - row[c] * factor * column_factors[c] * step;
    }
  }
}
