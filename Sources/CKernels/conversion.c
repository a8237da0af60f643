#include "CKernels.h"
#include "simd.h"

// Bit arithmetic in place of _Float16, whose conversion is a library call on the baseline x86-64.
PS_CLONES void ps_f16_to_f32(const uint16_t *x, float *y, int64_t n) {
  const float smallest_normal = 6.10351562e-05f;  // 2^-14: subtracting it renormalises subnormals
  for (int64_t i = 0; i < n; i++) {
    const uint32_t h = x[i];
    const uint32_t magnitude = (h & 0x7fffu) << 13;
    const uint32_t exponent = magnitude & 0x0f800000u;
    const uint32_t rebased = magnitude + (112u << 23);
    const float subnormal = ps_float(magnitude + (113u << 23)) - smallest_normal;
    uint32_t bits = exponent == 0x0f800000u ? rebased + (112u << 23) : rebased;
    bits = exponent == 0 ? ps_bits(subnormal) : bits;
    y[i] = ps_float(bits | (h & 0x8000u) << 16);
  }
}

PS_CLONES void ps_bf16_to_f32(const uint16_t *x, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = ps_float((uint32_t)x[i] << 16);
}
