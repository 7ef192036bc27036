// q, k, v = products with norm(x); q and k normalised by head and rotated; k and v into the cache.
//
// Parallel over row tiles of the three products; what follows a product is done by the thread that
// computed the rows, while they are in cache. A norm over a head, a rotation of its halves and a
// cache with scales need whole heads: there, a thread's share of the rows is widened to these.
#include "fused.h"
#include "project.h"
#include "rotation.h"
#include "weight_layout.h"

namespace quire {

static Range overlap(Range all, int64_t first, int64_t count) {
  const int64_t begin = all.begin > first ? all.begin - first : 0;
  const int64_t end = all.end - first < count ? all.end - first : count;
  return {begin, end > begin ? end : begin};
}

// Row tiles of the fewest whole heads that fill whole tiles.
static int64_t head_tiles(int64_t head_dim) {
  int64_t heads = 1;
  while (heads * head_dim % kLanes != 0) heads *= 2;
  return heads * head_dim / kLanes;
}

struct AttentionInput {
  quire_context& context;
  int32_t layer;
  const LayerWeights& weights;
  const Rope* rope;  // null: none
  int64_t query_tiles, kv_tiles;
  int64_t unit;  // row tiles that stay together

  AttentionInput(quire_context& context, int32_t layer)
      : context(context), layer(layer), weights(context.bound.layers[static_cast<size_t>(layer)]) {
    const int32_t index = context.layer_ropes[static_cast<size_t>(layer)];
    rope = index < 0 ? nullptr : &context.ropes[static_cast<size_t>(index)];
    query_tiles = row_tiles(context.query_width);
    kv_tiles = row_tiles(context.kv_width);
    const bool whole_heads = weights.query_norm != nullptr || weights.key_norm != nullptr ||
                             (rope != nullptr && rope->pairs == QUIRE_PAIRS_HALVES) ||
                             context.layout.type == QUIRE_CACHE_INT8;
    unit = whole_heads ? head_tiles(context.config.head_dim) : 1;
  }

  // The first tile at or after `tile` where a share of query, key and value tiles may begin.
  int64_t boundary(int64_t tile) const {
    const int64_t first = tile <= query_tiles              ? 0
                          : tile <= query_tiles + kv_tiles ? query_tiles
                                                           : query_tiles + kv_tiles;
    const int64_t count = first == 0 ? query_tiles : kv_tiles;
    const int64_t within = (tile - first + unit - 1) / unit * unit;
    return first + (within < count ? within : count);
  }

  // Norm and rotation of rows of q or k.
  void finish(float* data, int64_t width, Range rows, const float* norm) const {
    const int64_t head_dim = context.config.head_dim;
    if (rows.begin >= rows.end || (norm == nullptr && rope == nullptr)) return;
    for (int64_t token = 0; token < context.plan->tokens; ++token) {
      float* row = data + token * width;
      for (int64_t head = rows.begin; norm != nullptr && head < rows.end; head += head_dim) {
        context.kernels->rms_norm(row + head, norm, context.config.norm_epsilon, head_dim,
                                  row + head);
      }
      if (rope != nullptr) rotate(context, *rope, token, row, rows.begin, rows.end);
    }
  }

  void write_keys(Range rows) const {
    for (int64_t token = 0; token < context.plan->tokens; ++token) {
      if (context.plan->slot[token] < 0) continue;
      context.kernels->cache_write_key(
          context.layout, context.key.get() + token * context.kv_width, rows.begin, rows.end,
          context.cache + layer * context.layer_bytes, context.plan->slot[token]);
    }
  }

  void write_values(Range rows) const {
    for (int64_t token = 0; token < context.plan->tokens; ++token) {
      if (context.plan->slot[token] < 0) continue;
      context.kernels->cache_write_value(
          context.layout, context.value.get() + token * context.kv_width, rows.begin, rows.end,
          context.cache + layer * context.layer_bytes, context.plan->slot[token]);
    }
  }

  void operator()(const Activations& in, Range share) const {
    const Range mine = {boundary(share.begin), boundary(share.end)};
    const Range query = overlap(mine, 0, query_tiles);
    const Range key = overlap(mine, query_tiles, kv_tiles);
    const Range value = overlap(mine, query_tiles + kv_tiles, kv_tiles);
    const int64_t tokens = context.plan->tokens;
    multiply(context, weights.query, in, tokens, query, context.query.get());
    finish(context.query.get(), context.query_width, tile_rows(weights.query.weight, query),
           weights.query_norm);
    multiply(context, weights.key, in, tokens, key, context.key.get());
    finish(context.key.get(), context.kv_width, tile_rows(weights.key.weight, key),
           weights.key_norm);
    write_keys(tile_rows(weights.key.weight, key));
    multiply(context, weights.value, in, tokens, value, context.value.get());
    write_values(tile_rows(weights.value.weight, value));
  }
};

void attention_input(quire_context& context, int32_t layer) {
  const AttentionInput work(context, layer);
  const LayerWeights& weights = work.weights;
  const Input input = {context.x.get(), context.config.embedding, nullptr, weights.attention_norm};
  const bool quantised = is_quantised(weights.query.weight.type) ||
                         is_quantised(weights.key.weight.type) ||
                         is_quantised(weights.value.weight.type);
  project(context, input, quantised, context.plan->tokens, work.query_tiles + 2 * work.kv_tiles,
          work);
}

}  // namespace quire
