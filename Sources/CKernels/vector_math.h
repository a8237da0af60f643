#ifndef POTSTILL_VECTOR_MATH_H
#define POTSTILL_VECTOR_MATH_H

#include "simd.h"

// Elementary functions without branches or calls, so that loops over them vectorise. The coefficients are our own
// minimax fits (iteratively reweighted least squares in double precision). Errors were measured against double.
//
// Nothing here may be compiled with reassociation: the rounding trick x + 1.5*2^23 - 1.5*2^23 would vanish.

#define PS_ROUNDING 12582912.0f  // 1.5 * 2^23: adding it leaves the nearest integer in the low mantissa bits

// e^x within 1.5 ulp; infinity above 88.72, gradual underflow to 0 below -87.3, NaN stays NaN.
PS_INLINE float ps_expf(float x) {
  float c = x > 89.0f ? 89.0f : x;
  c = c < -104.0f ? -104.0f : c;
  float shifted = c * 1.44269504f + PS_ROUNDING;
  float n = shifted - PS_ROUNDING;
  float r = c - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 0.00139506033f;
  p = p * r + 0.00836895406f;
  p = p * r + 0.0416662060f;
  p = p * r + 0.166665182f;
  p = p * r + 0.5f;
  p = p * (r * r) + r;
  // 2^n in two factors, because n reaches 128 and -150.
  int32_t k = (int32_t)(ps_bits(shifted) - ps_bits(PS_ROUNDING));
  int32_t half = k >> 1;
  float first = ps_float((uint32_t)(half + 127) << 23);
  float second = ps_float((uint32_t)(k - half + 127) << 23);
  return (p * first + first) * second;
}

// e^x for x <= 0, as in softmax: one scaling step fewer; results below 2^-126 become 0. Within 1.5 ulp.
PS_INLINE float ps_exp_nonpositive(float x) {
  float c = x < -87.33f ? -87.33f : x;
  float shifted = c * 1.44269504f + PS_ROUNDING;
  float n = shifted - PS_ROUNDING;
  float r = c - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 0.00139506033f;
  p = p * r + 0.00836895406f;
  p = p * r + 0.0416662060f;
  p = p * r + 0.166665182f;
  p = p * r + 0.5f;
  p = p * (r * r) + r;
  float scale = ps_float((ps_bits(shifted) - ps_bits(PS_ROUNDING) + 127u) << 23);
  float y = p * scale + scale;
  return x < -87.33f ? 0.0f : y;
}

// Natural logarithm within 1.5 ulp, subnormals included; -infinity at 0, NaN below.
PS_INLINE float ps_logf(float x) {
  int tiny = x < 1.17549435e-38f;
  float scaled = tiny ? x * 8388608.0f : x;
  int32_t i = (int32_t)ps_bits(scaled) - 0x3f3504f3;  // the mantissa is taken in [sqrt(1/2), sqrt(2))
  int32_t k = i >> 23;
  float f = ps_float((uint32_t)(i & 0x007fffff) + 0x3f3504f3u) - 1.0f;
  float n = (float)k - (tiny ? 23.0f : 0.0f);
  float p = -0.0763451159f;
  p = p * f + 0.127616048f;
  p = p * f + -0.131601900f;
  p = p * f + 0.142017543f;
  p = p * f + -0.166233569f;
  p = p * f + 0.200012267f;
  p = p * f + -0.250008225f;
  p = p * f + 0.333333313f;
  float f2 = f * f;
  float low = n * -2.12194440e-4f + (p * f * f2 - 0.5f * f2);
  float y = n * 0.693359375f + (f + low);
  y = x < 3.0e38f ? y : (x > 3.40282347e38f || x != x ? x : y);
  y = x == 0.0f ? -__builtin_inff() : y;
  return x < 0.0f ? __builtin_nanf("") : y;
}

// The logistic function and, in `slope`, its derivative s (1 - s) without the cancellation in 1 - s.
PS_INLINE float ps_sigmoid_with_slope(float x, float *slope) {
  float e = ps_expf(-ps_absolute(x));  // at most 1, so neither side overflows
  float s = 1.0f / (1.0f + e);
  *slope = e * (s * s);
  return x < 0.0f ? e * s : s;
}

PS_INLINE float ps_sigmoidf(float x) {
  float slope;
  return ps_sigmoid_with_slope(x, &slope);
}

// Hyperbolic tangent within 2 ulp.
PS_INLINE float ps_tanhf(float x) {
  float a = ps_absolute(x);
  float e = ps_exp_nonpositive(-2.0f * a);
  float far = (1.0f - e) / (1.0f + e);
  float z = x * x;
  float p = -0.00571702700f;
  p = p * z + 0.0206505712f;
  p = p * z + -0.0537434928f;
  p = p * z + 0.133314908f;
  p = p * z + -0.333332837f;
  float near = x + x * (p * z);
  far = x < 0.0f ? -far : far;
  return a < 0.625f ? near : (x != x ? x : far);
}

// The lower tail of the normal distribution, Phi(-u), for u >= 0, and its density without 1/sqrt(2 pi): the product of
// e^(-u*u/2) and a polynomial in 1/(1 + 0.35 u), so the *relative* error stays small far out (below 1e-6 to u = 5).
PS_INLINE float ps_normal_tail(float u, float *density) {
  float e = ps_exp_nonpositive(-0.5f * (u * u));
  float t = 1.0f / (1.0f + 0.35f * u);
  float p = -0.0291577354f;
  p = p * t + 0.144030258f;
  p = p * t + -0.255837798f;
  p = p * t + 0.159318492f;
  p = p * t + -0.0232116394f;
  p = p * t + 0.105552249f;
  p = p * t + 0.119821340f;
  p = p * t + 0.139863506f;
  p = p * t + 0.139621302f;
  *density = e;
  return e * (p * t);
}

// x Phi(x), the exact GELU.
PS_INLINE float ps_geluf(float x) {
  float density;
  float a = ps_absolute(x);
  a = a > 20.0f ? 20.0f : a;  // the tail is 0 there already; infinity times 0 must not happen
  float past = a * ps_normal_tail(a, &density);
  return x < 0.0f ? -past : x - past;
}

// Phi(x) + x phi(x)
PS_INLINE float ps_gelu_slope(float x) {
  float density;
  float a = ps_absolute(x);
  a = a > 20.0f ? 20.0f : a;
  float tail = ps_normal_tail(a, &density);
  float bump = a * (density * 0.398942280f);
  return x < 0.0f ? tail - bump : (1.0f - tail) + bump;
}

// The tanh form of GELU is x sigmoid(2 w), w = sqrt(2/pi) (x + 0.044715 x^3).
PS_INLINE float ps_gelu_tanhf(float x) { return x * ps_sigmoidf(x * (1.59576912f + 0.0713548163f * (x * x))); }

PS_INLINE float ps_gelu_tanh_slope(float x) {
  float bump;
  float s = ps_sigmoid_with_slope(x * (1.59576912f + 0.0713548163f * (x * x)), &bump);
  return s + (x * bump) * (1.59576912f + 0.214064449f * (x * x));
}

PS_INLINE float ps_siluf(float x) { return x * ps_sigmoidf(x); }

PS_INLINE float ps_silu_slope(float x) {
  float bump;
  float s = ps_sigmoid_with_slope(x, &bump);
  return s + x * bump;
}

// x sigmoid(1.702 x), the logistic approximation of GELU.
PS_INLINE float ps_quick_geluf(float x) { return x * ps_sigmoidf(1.702f * x); }

PS_INLINE float ps_quick_gelu_slope(float x) {
  float bump;
  float s = ps_sigmoid_with_slope(1.702f * x, &bump);
  return s + (1.702f * x) * bump;
}

// tanh(ln(1 + e^x)) is n / (n + 2) with n = e^x (e^x + 2); it is 1 in float from x = 9 on, long before the squares overflow.
PS_INLINE float ps_mishf(float x) {
  float e = ps_expf(x > 20.0f ? 20.0f : x);
  float n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}

PS_INLINE float ps_mish_slope(float x) {
  float c = x > 20.0f ? 20.0f : x;
  float e = ps_expf(c);
  float n = e * (e + 2.0f);
  float d = 1.0f / (n + 2.0f);
  return n * d + (4.0f * c) * ((e * d) * ((e + 1.0f) * d));
}

PS_INLINE float ps_sigmoid_slope(float x) {
  float slope;
  ps_sigmoid_with_slope(x, &slope);
  return slope;
}

PS_INLINE float ps_tanh_slope(float x) {
  // 1 - tanh^2 = 4e/(1+e)^2 with e = e^(-2|x|) keeps its relative precision where tanh is nearly 1.
  float e = ps_exp_nonpositive(-2.0f * ps_absolute(x));
  float d = 1.0f / (1.0f + e);
  return 4.0f * e * (d * d);
}

PS_INLINE float ps_reluf(float x) { return x < 0.0f ? 0.0f : x; }
PS_INLINE float ps_relu_slope(float x) { return x > 0.0f ? 1.0f : 0.0f; }

#endif
