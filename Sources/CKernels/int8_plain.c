#include "int8_product.h"

// C alone, for processors without any of the instructions, and what the others are compared with.
enum { lanes = 16, tallest = 4, widest = 1, flat = 2, zero_offset = 0 };
typedef int32_t int8_sums __attribute__((vector_size(64), aligned(4), may_alias));
typedef float int8_floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef const uint8_t *int8_inputs;
typedef const int8_t *int8_weights;

PS_INLINE const uint8_t *inputs_at(const uint8_t *x) { return x; }
PS_INLINE const int8_t *weights_at(const int8_t *w) { return w; }
#define dot(sums, inputs, weights) (sums + products(inputs, weights))
#define products(inputs, weights)                                                          \
  ({                                                                                       \
    int32_t lane[lanes];                                                                   \
    for (int i = 0; i < lanes; i++) {                                                      \
      lane[i] = 0;                                                                         \
      for (int j = 0; j < panel_group; j++) lane[i] += inputs[j] * weights[i * panel_group + j]; \
    }                                                                                      \
    int8_sums of_lanes;                                                                    \
    memcpy(&of_lanes, lane, sizeof lane);                                                  \
    of_lanes;                                                                              \
  })

#define PS_INT8_FUNCTION ps_int8_linear_plain
#include "int8_tile.h"
