#include "CKernels.h"
#include "dropout_mask.h"
#include "query_blocks.h"
#include "vector_math.h"

#pragma clang fp contract(fast)

// The layout of scratch: four maps of a block, one operand of the block transposed, and copies with whole vectors of
// one operand of all keys and one of the block.
typedef struct {
  float *map, *dropped, *gradient, *other, *transposed, *all_keys, *block;
} workspace;

PS_INLINE workspace make_workspace(const ps_attention *s, float *scratch) {
  workspace w;
  const int64_t map = s->keys * block_queries;
  w.map = scratch;
  w.dropped = w.map + map;
  w.gradient = w.dropped + map;
  w.other = w.gradient + map;
  w.transposed = w.other + map;
  w.all_keys = w.transposed + s->head_dim * block_queries;
  w.block = w.all_keys + s->keys * round_up(s->head_dim);
  return w;
}

int64_t ps_attention_scratch(int64_t keys, int64_t head_dim) {
  return 4 * keys * block_queries + head_dim * block_queries + (keys + block_queries) * round_up(head_dim);
}

// Columns of scores become columns of probabilities.
PS_INLINE void softmax_columns(float *map, int64_t keys, int64_t width) {
  for (int64_t v = 0; v < width; v += PS_LANES) {
    float *column = map + v, peak[PS_LANES], sum[PS_LANES];
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
      peak[i] = column[i];
      sum[i] = 0.0f;
    }
    for (int64_t j = 1; j < keys; j++) {
      const float *x = column + j * width;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) peak[i] = x[i] > peak[i] ? x[i] : peak[i];
    }
    for (int64_t j = 0; j < keys; j++) {
      float *x = column + j * width;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
        const float e = ps_exp_nonpositive(x[i] - peak[i]);
        x[i] = e;
        sum[i] += e;
      }
    }
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) sum[i] = 1.0f / sum[i];
    for (int64_t j = 0; j < keys; j++) {
      float *x = column + j * width;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) x[i] *= sum[i];
    }
  }
}

// With W the dropped P and g the gradient of W, and e a gradient of P from elsewhere (or NULL), column by column:
// the gradient of the scores is t - P sum(t), t = W g + P e. (The mask times P is W, so it is not needed again.)
PS_INLINE void softmax_columns_backward(const float *p, const float *w, const float *e, float *gradient, int64_t keys,
                                        int64_t width) {
  for (int64_t v = 0; v < width; v += PS_LANES) {
    float sum[PS_LANES];
    PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) sum[i] = 0.0f;
    for (int64_t j = 0; j < keys; j++) {
      const int64_t at = j * width + v;
      const float *pj = p + at, *wj = w + at;
      float *g = gradient + at;
      if (e) {
        const float *ej = e + at;
        PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
          g[i] = wj[i] * g[i] + pj[i] * ej[i];
          sum[i] += g[i];
        }
      } else {
        PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
          g[i] = wj[i] * g[i];
          sum[i] += g[i];
        }
      }
    }
    for (int64_t j = 0; j < keys; j++) {
      const float *pj = p + j * width + v;
      float *g = gradient + j * width + v;
      PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) g[i] -= pj[i] * sum[i];
    }
  }
}

// to = from dropped and scaled; may be in place. `query` is the first query of the block.
PS_INLINE void drop_columns(const ps_attention *s, const float *from, float *to, int64_t query, int64_t width) {
  const uint64_t first = s->first + (uint64_t)(query * s->keys);
  const uint32_t high = (uint32_t)(first >> 32), low = (uint32_t)first, keys = (uint32_t)s->keys;
  const ps_mask_key key = ps_make_mask_key(s->seed, s->stream, high);
  const uint32_t threshold = ps_drop_threshold(s->probability);
  const float scale = ps_keep_scale(s->probability);
  const int wraps = first + (uint64_t)(width * s->keys) >= ((uint64_t)high + 1) << 32;
  for (int64_t v = 0; v < width; v += PS_LANES) {
    for (int64_t j = 0; j < s->keys; j++) {
      const float *source = from + j * width + v;
      float *target = to + j * width + v;
      const uint32_t start = low + (uint32_t)v * keys + (uint32_t)j;
      if (!wraps) {
        PS_ONE_BLOCK for (int32_t i = 0; i < PS_LANES; i++) {
          target[i] = ps_mask_hash(start + (uint32_t)i * keys, key) >= threshold ? source[i] * scale : 0.0f;
        }
      } else {
        for (int32_t i = 0; i < PS_LANES; i++) {
          const uint64_t index = first + (uint64_t)((v + i) * s->keys + j);
          const ps_mask_key own = ps_make_mask_key(s->seed, s->stream, (uint32_t)(index >> 32));
          target[i] = ps_mask_hash((uint32_t)index, own) >= threshold ? source[i] * scale : 0.0f;
        }
      }
    }
  }
}

// A block's scores into map, for the softmax that follows.
PS_INLINE void score_columns(const ps_attention *s, const float *q, const float *k, float *transposed, float *map,
                             int64_t query, int64_t n) {
  const int64_t width = round_up(n);
  ps_transpose(q + query * s->ldq, s->ldq, n, s->head_dim, transposed, width, PS_LANES);
  ps_small_product(s->keys, width, s->head_dim, s->scale, k, s->ldk, 1, transposed, width, map, width, 0);
}

PS_CLONES void ps_attention_forward(const ps_attention *shape, const float *q, const float *k, const float *v,
                                    float *out, float *scores, float *probs, float *scratch) {
  const ps_attention s = *shape;
  const workspace w = make_workspace(&s, scratch);
  float *map = w.map;
  int64_t ldv = s.ldv;
  const float *values = widened(v, &ldv, s.keys, s.head_dim, w.all_keys);
  for (int64_t query = 0; query < s.queries; query += block_queries) {
    const int64_t n = s.queries - query < block_queries ? s.queries - query : block_queries, width = round_up(n);
    score_columns(&s, q, k, w.transposed, map, query, n);
    if (scores) ps_transpose(map, width, s.keys, n, scores + query * s.keys, s.keys, 0);
    softmax_columns(map, s.keys, width);
    if (probs) ps_transpose(map, width, s.keys, n, probs + query * s.keys, s.keys, 0);
    if (s.probability > 0.0f) drop_columns(&s, map, map, query, width);
    ps_small_product(n, s.head_dim, s.keys, 1.0f, map, 1, width, values, ldv, out + query * s.ldo, s.ldo, 0);
  }
}

// A map of the caller, [queries, keys], becomes a block's map.
PS_INLINE const float *map_block(const ps_attention *s, const float *map, float *block, int64_t query, int64_t n) {
  ps_transpose(map + query * s->keys, s->keys, n, s->keys, block, round_up(n), PS_LANES);
  return block;
}

PS_CLONES void ps_attention_backward(const ps_attention *shape, const float *q, const float *k, const float *v,
                                     const float *probs, const float *dout, const float *dprobs, const float *dscores,
                                     float *dq, float *dk, float *dv, int32_t accumulate, float *scratch) {
  const ps_attention s = *shape;
  const workspace w = make_workspace(&s, scratch);
  const int64_t d = s.head_dim;
  int64_t ldk = s.ldk;
  const float *keys = dq ? widened(k, &ldk, s.keys, d, w.all_keys) : k;
  // The sums over queries that dk and dv are start with the first block, and must start even without queries.
  int32_t adds_k = accumulate & 2, adds_v = accumulate & 4;
  if (dv && !adds_v && (!dout || s.queries == 0))
    for (int64_t r = 0; r < s.keys; r++) memset(dv + r * s.ldv, 0, (size_t)d * sizeof(float));
  if (dk && !adds_k && s.queries == 0)
    for (int64_t r = 0; r < s.keys; r++) memset(dk + r * s.ldk, 0, (size_t)d * sizeof(float));
  for (int64_t query = 0; query < s.queries; query += block_queries) {
    const int64_t n = s.queries - query < block_queries ? s.queries - query : block_queries, width = round_up(n);
    const int64_t count = s.keys * width;
    float *gradient = w.gradient;
    const float *map = w.map, *dropped = map;
    if (probs) {
      map_block(&s, probs, w.map, query, n);
    } else {
      score_columns(&s, q, k, w.transposed, w.map, query, n);
      softmax_columns(w.map, s.keys, width);
    }
    if (s.probability > 0.0f) {
      drop_columns(&s, map, w.dropped, query, width);
      dropped = w.dropped;
    }
    if (dout) {
      const float *upstream = dout + query * s.ldo;
      if (dv) {
        int64_t ldo = s.ldo;
        const float *rows = widened(upstream, &ldo, n, d, w.block);
        ps_small_product(s.keys, d, n, 1.0f, dropped, width, 1, rows, ldo, dv, s.ldv, adds_v);
      }
      ps_transpose(upstream, s.ldo, n, d, w.transposed, width, PS_LANES);
      ps_small_product(s.keys, width, d, 1.0f, v, s.ldv, 1, w.transposed, width, gradient, width, 0);
    } else {
      memset(gradient, 0, (size_t)count * sizeof(float));
    }
    const float *elsewhere = dprobs ? map_block(&s, dprobs, w.other, query, n) : 0;
    softmax_columns_backward(map, dropped, elsewhere, gradient, s.keys, width);
    if (dscores) {
      const float *more = map_block(&s, dscores, w.other, query, n);
      PS_INDEPENDENT for (int64_t i = 0; i < count; i++) gradient[i] += more[i];
    }
    if (dq) {
      ps_small_product(n, d, s.keys, s.scale, gradient, 1, width, keys, ldk, dq + query * s.ldq, s.ldq,
                       accumulate & 1);
    }
    if (dk) {
      int64_t ldq = s.ldq;
      const float *queries = widened(q + query * s.ldq, &ldq, n, d, w.block);
      ps_small_product(s.keys, d, n, s.scale, gradient, width, 1, queries, ldq, dk, s.ldk, adds_k);
    }
    adds_k = adds_v = 1;
  }
}
