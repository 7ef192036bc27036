// The calls of a step, in their order (quire_kernels.h).
//
// Each is one parallel loop over row tiles of 16 (products), tokens (embedding) or attention items;
// a second one prepares the input where there are many tokens. What follows a product (rotation,
// cache write, activation, residual) is done by the thread that computed the rows, while they are
// in cache.
#include <string.h>

#include "attention.h"
#include "context.h"
#include "plan_check.h"
#include "project.h"
#include "sampler.h"
#include "weight_layout.h"

namespace quire {

static constexpr int32_t kCallsPerLayer = 5;

// Refuses a call out of order; else moves on.
static int32_t enter(quire_context* context, const char* call, int32_t expected) {
  if (context == nullptr || expected < 0 || context->next_call != expected) {
    return fail(QUIRE_INVALID_ARG,
                "calls of a step must be in order: call=%s, call_index=%d, due=%d", call, expected,
                context == nullptr ? kNoStep : context->next_call);
  }
  ++context->next_call;
  return QUIRE_OK;
}

static int32_t enter_layer(quire_context* context, const char* call, int32_t layer, int32_t index) {
  if (context == nullptr || layer < 0 || layer >= context->config.layers) {
    return fail(QUIRE_INVALID_ARG, "layer must be the model's: call=%s, layer=%d", call, layer);
  }
  return enter(context, call, 1 + kCallsPerLayer * layer + index);
}

static int32_t logits_call(const quire_context* context) {
  return context == nullptr ? 0 : 1 + kCallsPerLayer * context->config.layers;
}

// Row tiles [begin, end) of a product, as rows.
static Range tile_rows(const Weight& weight, Range tiles) {
  const int64_t end = tiles.end * kLanes;
  return {tiles.begin * kLanes, end < weight.rows ? end : weight.rows};
}

static Range overlap(Range all, int64_t first, int64_t count) {
  const int64_t begin = all.begin > first ? all.begin - first : 0;
  const int64_t end = all.end - first < count ? all.end - first : count;
  return {begin, end > begin ? end : begin};
}

// The query, key and value rows of one thread, from the product to where they belong.
struct AttentionInput {
  quire_context& context;
  int32_t layer;

  void rotate(float* data, int64_t width, Range rows) const {
    const quire_plan& plan = *context.plan;
    const int32_t pairs = context.config.rope_dim / 2;
    for (int64_t token = 0; token < plan.tokens; ++token) {
      const int64_t position = plan.position[token];
      context.kernels->rope(data + token * width, rows.begin, rows.end, context.config.head_dim,
                            context.config.rope_dim, context.rope_cos.get() + position * pairs,
                            context.rope_sin.get() + position * pairs);
    }
  }

  void write_keys(Range rows) const {
    for (int64_t token = 0; token < context.plan->tokens; ++token) {
      if (context.plan->slot[token] < 0) continue;
      context.kernels->cache_write_key(
          context.key.get() + token * context.kv_width, rows.begin, rows.end,
          context.config.head_dim, context.cache + layer * context.layer_elements,
          context.head_elements, context.block_elements, context.plan->slot[token]);
    }
  }

  void write_values(Range rows) const {
    const int64_t keys = int64_t{context.config.head_dim} * kPageTokens;
    for (int64_t token = 0; token < context.plan->tokens; ++token) {
      if (context.plan->slot[token] < 0) continue;
      context.kernels->cache_write_value(context.value.get() + token * context.kv_width, rows.begin,
                                         rows.end, context.config.head_dim, context.value_dim,
                                         context.cache + layer * context.layer_elements + keys,
                                         context.head_elements, context.block_elements,
                                         context.plan->slot[token]);
    }
  }

  void operator()(const Activations& in, Range mine) const {
    const LayerWeights& weights = context.layers[static_cast<size_t>(layer)];
    const int64_t query_tiles = row_tiles(context.query_width);
    const int64_t kv_tiles = row_tiles(context.kv_width);
    const Range query = overlap(mine, 0, query_tiles);
    const Range key = overlap(mine, query_tiles, kv_tiles);
    const Range value = overlap(mine, query_tiles + kv_tiles, kv_tiles);
    const int64_t tokens = context.plan->tokens;
    const auto matmul = context.kernels->matmul;
    matmul(weights.query, in, tokens, query.begin, query.end, context.query.get(),
           context.query_width);
    rotate(context.query.get(), context.query_width, tile_rows(weights.query, query));
    matmul(weights.key, in, tokens, key.begin, key.end, context.key.get(), context.kv_width);
    rotate(context.key.get(), context.kv_width, tile_rows(weights.key, key));
    write_keys(tile_rows(weights.key, key));
    matmul(weights.value, in, tokens, value.begin, value.end, context.value.get(),
           context.kv_width);
    write_values(tile_rows(weights.value, value));
  }
};

// x += weight * in, with in [T, cols].
static void project_to_residual(quire_context& context, const Weight& weight, const float* in) {
  const int64_t tokens = context.plan->tokens;
  const int64_t width = context.config.embedding;
  const Input input = {in, weight.cols, nullptr, nullptr};
  project(context, input, is_quantised(weight.type), tokens, row_tiles(width),
          [&](const Activations& activations, Range tiles) {
            const Range rows = tile_rows(weight, tiles);
            float* projected = context.projected.get();
            context.kernels->matmul(weight, activations, tokens, tiles.begin, tiles.end, projected,
                                    width);
            for (int64_t token = 0; rows.begin < rows.end && token < tokens; ++token) {
              const int64_t first = token * width + rows.begin;
              context.kernels->add(projected + first, rows.end - rows.begin,
                                   context.x.get() + first);
            }
          });
}

static void feed_forward_gate(quire_context& context, int32_t layer) {
  const LayerWeights& weights = context.layers[static_cast<size_t>(layer)];
  const Weight* products[] = {&weights.gate, &weights.up};
  const int64_t tokens = context.plan->tokens;
  const int64_t width = context.config.feed_forward;
  const Input input = {context.x.get(), context.config.embedding, nullptr,
                       weights.feed_forward_norm};
  project(context, input, any_quantised(products, 2), tokens, row_tiles(width),
          [&](const Activations& in, Range tiles) {
            const Range rows = tile_rows(weights.gate, tiles);
            float* gate = context.gate.get();
            float* up = context.up.get();
            context.kernels->matmul(weights.gate, in, tokens, tiles.begin, tiles.end, gate, width);
            context.kernels->matmul(weights.up, in, tokens, tiles.begin, tiles.end, up, width);
            for (int64_t token = 0; rows.begin < rows.end && token < tokens; ++token) {
              const int64_t first = token * width + rows.begin;
              context.kernels->silu_mul(gate + first, up + first, rows.end - rows.begin,
                                        gate + first);
            }
          });
}

static void logits(quire_context& context) {
  const Weight& head = context.output_head;
  const int64_t rows = context.plan->rows;
  const Input input = {context.x.get(), head.cols, context.plan->logit_row, context.output_norm};
  project(context, input, is_quantised(head.type), rows, row_tiles(head.rows),
          [&](const Activations& in, Range tiles) {
            context.kernels->matmul(head, in, rows, tiles.begin, tiles.end, context.logits.get(),
                                    head.rows);
          });
}

}  // namespace quire

using namespace quire;

QUIRE_EXPORT int32_t quire_step_begin(quire_context* context, const quire_plan* plan) {
  if (context == nullptr || plan == nullptr || context->next_call != kNoStep || !context->bound ||
      context->cache == nullptr) {
    return fail(
        QUIRE_INVALID_ARG,
        "context must be bound, with a cache and outside a step: bound=%d, cache=%d, due=%d",
        context != nullptr && context->bound, context != nullptr && context->cache != nullptr,
        context == nullptr ? kNoStep : context->next_call);
  }
  int32_t status = check_tables(*context, *plan);
  if (status == QUIRE_OK) status = check_tokens(*context, *plan);
  if (status == QUIRE_OK) status = check_rows(*context, *plan, true);
  if (status != QUIRE_OK) return status;
  context->plan = plan;
  context->next_call = 0;
  context->pool->set_in_step(true);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_step_end(quire_context* context) {
  if (context == nullptr || context->next_call == kNoStep) {
    return fail(QUIRE_INVALID_ARG, "step must be open: due=%d", kNoStep);
  }
  context->pool->set_in_step(false);
  context->plan = nullptr;
  context->next_call = kNoStep;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_embed(quire_context* context) {
  const int32_t status = enter(context, "embed", 0);
  if (status != QUIRE_OK) return status;
  const int64_t tokens = context->plan->tokens;
  const int64_t width = context->config.embedding;
  const auto embed = [&](Range range) {
    for (int64_t token = range.begin; token < range.end; ++token) {
      context->kernels->embed_row(context->embedding, context->plan->token[token],
                                  context->x.get() + token * width);
    }
  };
  if (tokens <= kRedundantTokens) {
    embed({0, tokens});
  } else {
    in_parallel(*context, tokens, 1, embed);
  }
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_attention_input(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "attention_input", layer, 0);
  if (status != QUIRE_OK) return status;
  const LayerWeights& weights = context->layers[static_cast<size_t>(layer)];
  const Weight* products[] = {&weights.query, &weights.key, &weights.value};
  const Input input = {context->x.get(), context->config.embedding, nullptr,
                       weights.attention_norm};
  project(*context, input, any_quantised(products, 3), context->plan->tokens,
          row_tiles(context->query_width) + 2 * row_tiles(context->kv_width),
          AttentionInput{*context, layer});
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_paged_attention(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "paged_attention", layer, 1);
  if (status != QUIRE_OK) return status;
  attend(*context, layer, *context->plan, context->query.get(), context->attention.get());
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_attention_output(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "attention_output", layer, 2);
  if (status != QUIRE_OK) return status;
  project_to_residual(*context, context->layers[static_cast<size_t>(layer)].output,
                      context->attention.get());
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_feed_forward_gate(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "feed_forward_gate", layer, 3);
  if (status != QUIRE_OK) return status;
  feed_forward_gate(*context, layer);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_feed_forward_down(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "feed_forward_down", layer, 4);
  if (status != QUIRE_OK) return status;
  project_to_residual(*context, context->layers[static_cast<size_t>(layer)].down,
                      context->gate.get());
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_logits(quire_context* context) {
  const int32_t status = enter(context, "logits", logits_call(context));
  if (status != QUIRE_OK) return status;
  logits(*context);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_sample(quire_context* context) {
  const int32_t status = enter(context, "sample", logits_call(context) + 1);
  if (status != QUIRE_OK) return status;
  sample_rows(*context, *context->plan, context->logits.get());
  return QUIRE_OK;
}

QUIRE_EXPORT const float* quire_logits_data(const quire_context* context) {
  return context->logits.get();
}
