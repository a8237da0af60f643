#include "CKernels.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

#define PS_LOOP PS_INDEPENDENT for (int64_t i = 0; i < n; i++)

PS_CLONES void ps_add(const float *a, const float *b, float *out, int64_t n) { PS_LOOP out[i] = a[i] + b[i]; }

PS_CLONES void ps_subtract(const float *a, const float *b, float *out, int64_t n) { PS_LOOP out[i] = a[i] - b[i]; }

PS_CLONES void ps_multiply(const float *a, const float *b, float *out, int64_t n) { PS_LOOP out[i] = a[i] * b[i]; }

PS_CLONES void ps_divide(const float *a, const float *b, float *out, int64_t n) { PS_LOOP out[i] = a[i] / b[i]; }

PS_CLONES void ps_scale(const float *a, float s, float *out, int64_t n) { PS_LOOP out[i] = s * a[i]; }

PS_CLONES void ps_affine(const float *a, float s, float t, float *out, int64_t n) { PS_LOOP out[i] = s * a[i] + t; }

PS_CLONES void ps_axpy(float s, const float *x, float *y, int64_t n) { PS_LOOP y[i] += s * x[i]; }

PS_CLONES void ps_multiply_add(const float *a, const float *b, float *y, int64_t n) { PS_LOOP y[i] += a[i] * b[i]; }

PS_CLONES void ps_exp(const float *x, float *y, int64_t n) { PS_LOOP y[i] = ps_expf(x[i]); }

PS_CLONES void ps_log(const float *x, float *y, int64_t n) { PS_LOOP y[i] = ps_logf(x[i]); }

// The builtin, unlike sqrtf, promises nothing about errno and so vectorises.
PS_CLONES void ps_sqrt(const float *x, float *y, int64_t n) { PS_LOOP y[i] = __builtin_elementwise_sqrt(x[i]); }

PS_CLONES void ps_fill(float *y, float value, int64_t n) { PS_LOOP y[i] = value; }
