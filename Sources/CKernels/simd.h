#ifndef POTSTILL_SIMD_H
#define POTSTILL_SIMD_H

#include <stdint.h>
#include <string.h>

// PS_CLONES compiles a function three times (AVX-512, AVX2+FMA, baseline) and lets the dynamic linker pick one for
// this processor, so that one binary serves every x86-64. Needs glibc's ifunc; elsewhere the one plain body is used.
// Sanitizers instrument the functions that choose, which run before the sanitizer itself is ready: no clones there.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PS_SANITIZED 1
#endif
#endif
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__) && !defined(PS_SANITIZED)
#define PS_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PS_CLONES
#endif

// Put before a loop whose iterations are independent even when the output *is* one of the inputs: without it clang
// guards the loop with an overlap test that sends the in-place case to the scalar version.
#define PS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
// A loop of exactly PS_LANES iterations that must become straight vector code.
#define PS_ONE_BLOCK _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) unroll(disable)")
#define PS_LANES 16
#define PS_HALF 8

// PS_LANES values wherever they lie; two or four registers where they are shorter.
typedef float ps_vector __attribute__((vector_size(64), aligned(4), may_alias));
// Half as many values.
typedef float ps_half __attribute__((vector_size(32), aligned(4), may_alias));

#define PS_INLINE static inline __attribute__((always_inline))

// Whether there are 32 registers of 64 bytes, enough for tiles of two vectors a row.
PS_INLINE int ps_has_wide_registers(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0;
#else
  return 0;
#endif
}

PS_INLINE uint32_t ps_bits(float x) {
  uint32_t b;
  memcpy(&b, &x, sizeof b);
  return b;
}

PS_INLINE float ps_float(uint32_t b) {
  float x;
  memcpy(&x, &b, sizeof x);
  return x;
}

PS_INLINE float ps_absolute(float x) { return ps_float(ps_bits(x) & 0x7fffffffu); }

// Keys of ascending order: comparing them as signed integers orders floats, NaN above everything. Integer maxima
// vectorise without any promise about NaN, and a NaN in a row reaches the result instead of being lost.
PS_INLINE int32_t ps_order_key(float x) {
  int32_t b = (int32_t)ps_bits(x);
  return b ^ (int32_t)((uint32_t)(b >> 31) & 0x7fffffffu);
}

PS_INLINE float ps_from_order_key(int32_t k) {
  return ps_float((uint32_t)(k ^ (int32_t)((uint32_t)(k >> 31) & 0x7fffffffu)));
}

// The first `n` of a block of PS_LANES values, the others `fill`; a masked load where there is one.
PS_INLINE void ps_load_part(const float *x, float *block, int64_t n, float fill) {
  const int32_t count = (int32_t)n;
  PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) block[i] = i < count ? x[i] : fill;
}

PS_INLINE void ps_store_part(const float *block, float *y, int64_t n) {
  const int32_t count = (int32_t)n;
  PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
    if (i < count) y[i] = block[i];
  }
}

#endif
