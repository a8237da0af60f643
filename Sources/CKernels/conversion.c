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

PS_CLONES int64_t ps_f32_to_bf16(const float *x, uint16_t *y, int64_t n) {
  int64_t misfits = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = ps_bits(x[i]);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    y[i] = (uint16_t)(magnitude > 0x7f800000u ? (bits >> 16 | 0x40u) : rounded);
    misfits += magnitude >= 0x7f7f8000u;
  }
  return misfits;
}

PS_CLONES int64_t ps_f32_to_f16(const float *x, uint16_t *y, int64_t n) {
  int64_t misfits = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = ps_bits(x[i]);
    const uint32_t magnitude = bits & 0x7fffffffu;
    // Adding 1/2 leaves a half's subnormal in the lowest bits, rounded by the processor.
    const uint32_t subnormal = ps_bits(ps_float(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    const uint32_t infinite = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
    half = magnitude >= 0x477ff000u ? infinite : half;
    misfits += magnitude >= 0x477ff000u;
    y[i] = (uint16_t)(half | (bits >> 16 & 0x8000u));
  }
  return misfits;
}
