// Stand-alone operations on the caller's arrays (quire_kernels.h), outside a step.
#include <string.h>

#include "attention.h"
#include "context.h"
#include "fused.h"
#include "plan_check.h"
#include "project.h"
#include "rotation.h"
#include "sampler.h"
#include "weight_layout.h"

using namespace quire;

QUIRE_EXPORT int32_t quire_op_matmul(quire_context* context, int32_t weight, int32_t tokens,
                                     const float* in, float* out) {
  if (context == nullptr || weight < 0 || weight >= static_cast<int64_t>(context->weights.size()) ||
      tokens < 0 || tokens > context->config.max_tokens) {
    return fail(QUIRE_INVALID_ARG,
                "weight must be registered and tokens within the limit: weight=%d, tokens=%d",
                weight, tokens);
  }
  const Weight& matrix = context->weights[static_cast<size_t>(weight)];
  const quire_config& c = context->config;
  int64_t widest = c.embedding > c.feed_forward ? c.embedding : c.feed_forward;
  widest = context->query_width > widest ? context->query_width : widest;
  if (matrix.cols > widest) {
    return fail(QUIRE_UNSUPPORTED_SHAPE,
                "cols must be at most the model's widest: cols=%lld, widest=%lld",
                static_cast<long long>(matrix.cols), static_cast<long long>(widest));
  }
  const Input input = {in, matrix.cols, nullptr, {}};
  project(*context, input, is_quantised(matrix.type), tokens, row_tiles(matrix.rows),
          [&](const Activations& activations, Range tiles) {
            context->kernels->matmul(matrix, activations, tokens, tiles.begin, tiles.end,
                                     {out, matrix.rows, false});
          });
  return QUIRE_OK;
}

static int32_t check_rows_of(const quire_context* context, int32_t tokens, int32_t cols) {
  if (context != nullptr && tokens >= 0 && cols > 0) return QUIRE_OK;
  return fail(QUIRE_INVALID_ARG,
              "tokens must not be negative and cols positive: tokens=%d, cols=%d", tokens, cols);
}

QUIRE_EXPORT int32_t quire_op_rms_norm(quire_context* context, int32_t tokens, int32_t cols,
                                       float epsilon, const float* weight, const float* in,
                                       float* out) {
  const int32_t status = check_rows_of(context, tokens, cols);
  for (int64_t token = 0; status == QUIRE_OK && token < tokens; ++token) {
    context->kernels->rms_norm(in + token * cols, weight, epsilon, cols, out + token * cols);
  }
  return status;
}

QUIRE_EXPORT int32_t quire_op_layer_norm(quire_context* context, int32_t tokens, int32_t cols,
                                         float epsilon, const float* weight, const float* bias,
                                         const float* in, float* out) {
  const int32_t status = check_rows_of(context, tokens, cols);
  for (int64_t token = 0; status == QUIRE_OK && token < tokens; ++token) {
    context->kernels->layer_norm(in + token * cols, weight, bias, epsilon, cols,
                                 out + token * cols);
  }
  return status;
}

QUIRE_EXPORT int32_t quire_op_rope(quire_context* context, int32_t rope, int32_t tokens,
                                   int32_t heads, const int32_t* position, float* data) {
  if (context == nullptr || context->next_call != kNoStep || rope < 0 ||
      rope >= static_cast<int64_t>(context->ropes.size()) || tokens < 0 || heads <= 0) {
    return fail(QUIRE_INVALID_ARG,
                "rope must be the model's, tokens not negative and heads positive, outside a step: "
                "rope=%d, tokens=%d, heads=%d",
                rope, tokens, heads);
  }
  Rope& table = context->ropes[static_cast<size_t>(rope)];
  const int64_t width = int64_t{heads} * context->config.head_dim;
  for (int64_t token = 0; token < tokens; ++token) {
    if (position[token] < 0 || position[token] >= context->config.context_length) {
      return fail(QUIRE_INVALID_ARG,
                  "position must be below context_length: position=%d, context_length=%d",
                  position[token], context->config.context_length);
    }
    set_rotation(table, 0, position[token]);
    rotate(*context, table, 0, data + token * width, 0, width);
  }
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_op_activation(quire_context* context, int32_t activation, int64_t count,
                                         const float* gate, const float* up, float* out) {
  if (context == nullptr || activation < QUIRE_GATED_SILU || activation > QUIRE_GELU || count < 0) {
    return fail(QUIRE_INVALID_ARG,
                "activation must be known and count not negative: activation=%d, count=%lld",
                activation, static_cast<long long>(count));
  }
  activate(*context->kernels, activation, count, gate, up, out);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_op_cache_write(quire_context* context, int32_t layer, int32_t tokens,
                                          const int64_t* slot, const float* key,
                                          const float* value) {
  if (context == nullptr || context->cache == nullptr || tokens < 0 || layer < 0 ||
      layer >= context->config.layers) {
    return fail(QUIRE_INVALID_ARG, "cache must be open and layer the model's: layer=%d, tokens=%d",
                layer, tokens);
  }
  for (int32_t token = 0; token < tokens; ++token) {
    if (slot[token] < -1 || slot[token] >= context->blocks * kPageTokens) {
      return fail(QUIRE_INVALID_ARG, "slot must be in the pool or -1: index=%d, slot=%lld", token,
                  static_cast<long long>(slot[token]));
    }
  }
  uint8_t* pages = context->cache + layer * context->layer_bytes;
  const int64_t width = context->kv_width;
  for (int64_t token = 0; token < tokens; ++token) {
    if (slot[token] < 0) continue;
    context->kernels->cache_write_key(context->layout, key + token * width, 0, width, pages,
                                      slot[token]);
    context->kernels->cache_write_value(context->layout, value + token * width, 0, width, pages,
                                        slot[token]);
  }
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_op_paged_attention(quire_context* context, int32_t layer,
                                              const quire_plan* plan, const float* query,
                                              float* out) {
  if (context == nullptr || plan == nullptr || context->cache == nullptr || layer < 0 ||
      layer >= context->config.layers) {
    return fail(QUIRE_INVALID_ARG, "cache must be open and layer the model's: layer=%d", layer);
  }
  const int32_t status = check_tables(*context, *plan);
  if (status != QUIRE_OK) return status;
  attend(*context, layer, *plan, query, out);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_op_sample(quire_context* context, const quire_plan* plan,
                                     const float* logits) {
  if (context == nullptr || plan == nullptr || logits == nullptr) {
    return fail(QUIRE_INVALID_ARG, "plan and logits must be given: rows=%d",
                plan == nullptr ? 0 : plan->rows);
  }
  const int32_t status = check_rows(*context, *plan, false);
  if (status != QUIRE_OK) return status;
  sample_rows(*context, *plan, logits);
  return QUIRE_OK;
}
