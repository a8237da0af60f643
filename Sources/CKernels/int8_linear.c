#include "int8_product.h"
#include "vector_math.h"

#include <stddef.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#pragma clang fp contract(off)

int32_t ps_int8_has_kernel(int32_t kernel) {
  switch (kernel) {
    case ps_int8_plain: return 1;
#if defined(__x86_64__)
    case ps_int8_avx2: return __builtin_cpu_supports("avx2") != 0;
    case ps_int8_avx_vnni: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni");
    case ps_int8_avx512_vnni:
      return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
#elif defined(__aarch64__) && defined(__linux__)
    case ps_int8_neon: return (getauxval(AT_HWCAP) & (1 << 20)) != 0;  // HWCAP_ASIMDDP
#elif defined(__aarch64__)
    case ps_int8_neon: return 1;  // every processor of Apple's since 2018
#endif
    default: return 0;
  }
}

void ps_int8_linear(int32_t kernel, PS_INT8_ARGUMENTS) {
#define PS_INT8_RUN(NAME) \
  NAME(x, x_scales, x_zeros, rows, packed, sums, scales, bias, y, outputs, inputs, ldy); break;
  switch (kernel) {
#if defined(__x86_64__)
    case ps_int8_avx2: PS_INT8_RUN(ps_int8_linear_avx2)
    case ps_int8_avx_vnni: PS_INT8_RUN(ps_int8_linear_avx_vnni)
    case ps_int8_avx512_vnni: PS_INT8_RUN(ps_int8_linear_avx512_vnni)
#elif defined(__aarch64__)
    case ps_int8_neon: PS_INT8_RUN(ps_int8_linear_neon)
#endif
    default: PS_INT8_RUN(ps_int8_linear_plain)
  }
}

// ---- weights ------------------------------------------------------------------------------------------------

int64_t ps_int8_packed_bytes(int64_t outputs, int64_t inputs) {
  return (outputs + panel_outputs - 1) / panel_outputs * ps_int8_groups(inputs) * group_bytes;
}

// The place of weight [output, input] in a packed weight.
PS_INLINE int64_t packed_place(int64_t output, int64_t input, int64_t groups) {
  return (output / panel_outputs * groups + input / panel_group) * group_bytes + output % panel_outputs * panel_group +
         input % panel_group;
}

void ps_int8_pack(const int8_t *weight, int8_t *packed, int32_t *sums, int64_t outputs, int64_t inputs) {
  const int64_t groups = ps_int8_groups(inputs), bytes = ps_int8_packed_bytes(outputs, inputs);
  memset(packed, 0, (size_t)bytes);
  for (int64_t o = 0; o < outputs; o++) {
    int32_t sum = 0;
    for (int64_t i = 0; i < inputs; i++) {
      packed[packed_place(o, i, groups)] = weight[o * inputs + i];
      sum += weight[o * inputs + i];
    }
    sums[o] = sum;
  }
}

void ps_int8_unpack(const int8_t *packed, int8_t *weight, int64_t outputs, int64_t inputs) {
  const int64_t groups = ps_int8_groups(inputs);
  for (int64_t o = 0; o < outputs; o++)
    for (int64_t i = 0; i < inputs; i++) weight[o * inputs + i] = packed[packed_place(o, i, groups)];
}

PS_CLONES void ps_int8_symmetric_rows(const float *x, int8_t *q, float *scales, int64_t rows, int64_t cols) {
  for (int64_t r = 0; r < rows; r++) {
    const float *row = x + r * cols;
    int8_t *out = q + r * cols;
    uint32_t largest = 0;  // the bits of absolute values are ordered as they are
    for (int64_t c = 0; c < cols; c++) {
      const uint32_t bits = ps_bits(row[c]) & 0x7fffffffu;
      largest = bits > largest ? bits : largest;
    }
    const float range = ps_float(largest);
    // Below this, 127 / range would overflow.
    const float inverse = range > 1e-30f ? 127.0f / range : 0.0f;
    scales[r] = range > 1e-30f ? range / 127.0f : range * 0.0f;
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) {
      const float shifted = row[c] * inverse + PS_ROUNDING;
      const int32_t value = (int32_t)(ps_bits(shifted) - ps_bits(PS_ROUNDING));
      out[c] = (int8_t)(value > 127 ? 127 : value < -127 ? -127 : value);
    }
  }
}

// ---- rows ---------------------------------------------------------------------------------------------------

typedef int32_t ps_mask __attribute__((vector_size(64), aligned(4), may_alias));
// The smaller or larger values lane by lane; a NaN on the left is lost.
#define lesser(a, b) select_lanes((a) < (b), a, b)
#define greater(a, b) select_lanes((a) > (b), a, b)
#define select_lanes(mask, a, b) ((ps_vector)(((ps_mask)(a) & (mask)) | ((ps_mask)(b) & ~(mask))))

typedef struct {
  float low, high;  // zero lies between them
  float fault;      // 0, or NaN where some value is NaN or infinite
} value_range;

PS_INLINE value_range range_of(const float *x, int64_t n) {
  ps_vector low = {0}, high = {0}, fault = {0};
  int64_t i = 0;
  for (; i + PS_LANES <= n; i += PS_LANES) {
    const ps_vector v = *(const ps_vector *)(x + i);
    low = lesser(v, low);
    high = greater(v, high);
    fault += v - v;
  }
  if (i < n) {
    float block[PS_LANES];
    ps_load_part(x + i, block, n - i, 0.0f);
    ps_vector v;
    memcpy(&v, block, sizeof v);
    low = lesser(v, low);
    high = greater(v, high);
    fault += v - v;
  }
  value_range result = {0.0f, 0.0f, 0.0f};
  for (int lane = 0; lane < PS_LANES; lane++) {
    result.low = low[lane] < result.low ? low[lane] : result.low;
    result.high = high[lane] > result.high ? high[lane] : result.high;
    result.fault += fault[lane];
  }
  return result;
}

PS_CLONES void ps_int8_rows(const float *x, uint8_t *q, float *scales, int32_t *zeros, int64_t rows, int64_t cols,
                            int64_t ldx) {
  const int64_t ldq = ps_int8_groups(cols) * panel_group;
  for (int64_t r = 0; r < rows; r++) {
    const float *row = x + r * ldx;
    uint8_t *out = q + r * ldq;
    const value_range range = range_of(row, cols);
    const float width = range.high - range.low;
    const float inverse = width > 1e-30f ? 255.0f / width : 0.0f;
    const int32_t zero = (int32_t)(0.5f - range.low * inverse);
    scales[r] = (width > 1e-30f ? width / 255.0f : 0.0f) + range.fault;
    zeros[r] = zero;
    PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) {
      const float shifted = row[c] * inverse + PS_ROUNDING;
      const int32_t value = (int32_t)(ps_bits(shifted) - ps_bits(PS_ROUNDING)) + zero;
      out[c] = (uint8_t)(value > 255 ? 255 : value < 0 ? 0 : value);
    }
    for (int64_t c = cols; c < ldq; c++) out[c] = 0;
  }
}

PS_CLONES void ps_int8_gather(const int8_t *table, const float *scales, const int32_t *ids, float *y, int64_t rows,
                              int64_t cols, int32_t accumulate) {
  for (int64_t r = 0; r < rows; r++) {
    const int8_t *row = table + ids[r] * cols;
    const float scale = scales[ids[r]];
    float *out = y + r * cols;
    if (accumulate) {
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) out[c] += (float)row[c] * scale;
    } else {
      PS_INDEPENDENT for (int64_t c = 0; c < cols; c++) out[c] = (float)row[c] * scale;
    }
  }
}
