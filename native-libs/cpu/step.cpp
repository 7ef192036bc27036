// The calls of a step, in their order (quire_kernels.h). What each does is in embedding.cpp,
// attention_input.cpp, attention.cpp, feed_forward.cpp, residual.cpp, logits.cpp and sample.cpp.
#include "attention.h"
#include "context.h"
#include "fused.h"
#include "plan_check.h"
#include "sampler.h"

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

}  // namespace quire

using namespace quire;

QUIRE_EXPORT int32_t quire_step_begin(quire_context* context, const quire_plan* plan) {
  if (context == nullptr || plan == nullptr || context->next_call != kNoStep ||
      context->bound.layers.empty() || context->cache == nullptr) {
    return fail(
        QUIRE_INVALID_ARG,
        "context must be bound, with a cache and outside a step: bound=%d, cache=%d, due=%d",
        context != nullptr && !context->bound.layers.empty(),
        context != nullptr && context->cache != nullptr,
        context == nullptr ? kNoStep : context->next_call);
  }
  int32_t status = check_tables(*context, *plan);
  if (status == QUIRE_OK) status = check_tokens(*context, *plan);
  if (status == QUIRE_OK) status = check_rows(*context, *plan, true);
  if (status != QUIRE_OK) return status;
  context->plan = plan;
  context->next_call = 0;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_step_end(quire_context* context) {
  if (context == nullptr || context->next_call == kNoStep) {
    return fail(QUIRE_INVALID_ARG, "step must be open: due=%d", kNoStep);
  }
  context->plan = nullptr;
  context->next_call = kNoStep;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_embed(quire_context* context) {
  const int32_t status = enter(context, "embed", 0);
  if (status != QUIRE_OK) return status;
  embed(*context);
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_attention_input(quire_context* context, int32_t layer) {
  const int32_t status = enter_layer(context, "attention_input", layer, 0);
  if (status != QUIRE_OK) return status;
  attention_input(*context, layer);
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
  const LayerWeights& weights = context->bound.layers[static_cast<size_t>(layer)];
  add_to_residual(*context, weights.output, weights.post_attention_norm, context->attention.get());
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
  const LayerWeights& weights = context->bound.layers[static_cast<size_t>(layer)];
  add_to_residual(*context, weights.down, weights.post_feed_forward_norm, context->gate.get());
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
