// Registering weights and binding them to the places of the model (quire_kernels.h has the order).
#include "context.h"
#include "weight_layout.h"

namespace quire {

// Where the ids of one layer lie.
enum {
  kAttentionNorm,
  kAttentionNormBias,
  kQuery,
  kQueryBias,
  kKey,
  kKeyBias,
  kValue,
  kValueBias,
  kQueryNorm,
  kKeyNorm,
  kOutput,
  kOutputBias,
  kPostAttentionNorm,
  kFeedForwardNorm,
  kFeedForwardNormBias,
  kGate,
  kGateBias,
  kUp,
  kUpBias,
  kDown,
  kDownBias,
  kPostFeedForwardNorm,
  kLayerWeights
};
static_assert(kLayerWeights == QUIRE_LAYER_WEIGHTS, "the header has the same order");

static constexpr int32_t kNone = -1;
static constexpr int32_t kOfTheModel = -1;  // in messages, for weights outside the layers

// Finds weights of one layer (or of the model) by id; the first that does not fit stays in
// `status`.
struct Finder {
  const quire_context& context;
  BoundWeights& bound;
  int32_t layer;
  int32_t status = QUIRE_OK;

  // A matrix that must be there, with at least or exactly `rows` rows.
  Weight matrix(const char* name, int32_t id, int64_t rows, int64_t cols, bool more_rows = false) {
    if (status != QUIRE_OK) return {};
    if (id < 0 || id >= static_cast<int64_t>(context.weights.size())) {
      status = fail(QUIRE_INVALID_ARG, "weight must be registered: weight=%s, layer=%d, id=%d",
                    name, layer, id);
      return {};
    }
    const Weight weight = context.weights[static_cast<size_t>(id)];
    if (weight.cols != cols || weight.rows < rows || (weight.rows > rows && !more_rows)) {
      status = fail(QUIRE_UNSUPPORTED_SHAPE,
                    "weight must have the model's shape: weight=%s, layer=%d, rows=%lld, "
                    "expected=%lld, cols=%lld, expected=%lld",
                    name, layer, static_cast<long long>(weight.rows), static_cast<long long>(rows),
                    static_cast<long long>(weight.cols), static_cast<long long>(cols));
    }
    return weight;
  }

  // A vector [1, count] as float32, or null where the model has none.
  const float* vector(const char* name, int32_t id, int64_t count) {
    if (id == kNone || status != QUIRE_OK) return nullptr;
    const Weight weight = matrix(name, id, 1, count);
    if (status != QUIRE_OK) return nullptr;
    Buffer<float> values = allocate<float>(count);
    context.kernels->embed_row(weight, 0, values.get());
    bound.vectors.push_back(std::move(values));
    return bound.vectors.back().get();
  }

  Projection projection(const char* name, int32_t id, int64_t rows, int64_t cols,
                        const char* bias_name = nullptr, int32_t bias = kNone) {
    const Weight weight = matrix(name, id, rows, cols);
    return {weight, vector(bias_name, bias, rows)};
  }

  NormWeights norm(const char* name, int32_t id, const char* bias_name = nullptr,
                   int32_t bias = kNone) {
    const int64_t count = context.config.embedding;
    if (status == QUIRE_OK && bias != kNone &&
        (id == kNone || context.config.norm != QUIRE_NORM_LAYER)) {
      status = fail(QUIRE_INVALID_ARG,
                    "a norm's bias needs a layer norm: weight=%s, layer=%d, "
                    "id=%d, norm=%d",
                    bias_name, layer, bias, context.config.norm);
    }
    const float* weight = vector(name, id, count);
    return {weight, vector(bias_name, bias, count)};
  }

  NormWeights required_norm(const char* name, int32_t id, const char* bias_name, int32_t bias) {
    matrix(name, id, 1, context.config.embedding);
    return norm(name, id, bias_name, bias);
  }

  // A gate where the activation has one, and nowhere else.
  Projection gate(int32_t id, int32_t bias) {
    const quire_config& c = context.config;
    if (c.activation != QUIRE_GELU) {
      return projection("gate", id, c.feed_forward, c.embedding, "gate_bias", bias);
    }
    if ((id != kNone || bias != kNone) && status == QUIRE_OK) {
      status = fail(QUIRE_INVALID_ARG,
                    "gate must be absent where the activation has none: layer=%d, id=%d, "
                    "bias=%d, activation=%d",
                    layer, id, bias, c.activation);
    }
    return {};
  }

  LayerWeights layer_weights(const int32_t* ids) {
    const quire_config& c = context.config;
    const int64_t queries = context.query_width;
    const int64_t keys = context.kv_width;
    LayerWeights w = {};
    w.attention_norm = required_norm("attention_norm", ids[kAttentionNorm], "attention_norm_bias",
                                     ids[kAttentionNormBias]);
    w.query = projection("query", ids[kQuery], queries, c.embedding, "query_bias", ids[kQueryBias]);
    w.key = projection("key", ids[kKey], keys, c.embedding, "key_bias", ids[kKeyBias]);
    w.value = projection("value", ids[kValue], keys, c.embedding, "value_bias", ids[kValueBias]);
    w.query_norm = vector("query_norm", ids[kQueryNorm], c.head_dim);
    w.key_norm = vector("key_norm", ids[kKeyNorm], c.head_dim);
    w.output =
        projection("output", ids[kOutput], c.embedding, queries, "output_bias", ids[kOutputBias]);
    w.post_attention_norm = norm("post_attention_norm", ids[kPostAttentionNorm]);
    w.feed_forward_norm = required_norm("feed_forward_norm", ids[kFeedForwardNorm],
                                        "feed_forward_norm_bias", ids[kFeedForwardNormBias]);
    w.gate = gate(ids[kGate], ids[kGateBias]);
    w.up = projection("up", ids[kUp], c.feed_forward, c.embedding, "up_bias", ids[kUpBias]);
    w.down =
        projection("down", ids[kDown], c.embedding, c.feed_forward, "down_bias", ids[kDownBias]);
    w.post_feed_forward_norm = norm("post_feed_forward_norm", ids[kPostFeedForwardNorm]);
    return w;
  }
};

// ids [QUIRE_MODEL_WEIGHTS]
static int32_t find_model_weights(const quire_context& context, const int32_t* ids,
                                  BoundWeights* bound) {
  const quire_config& c = context.config;
  Finder finder = {context, *bound, kOfTheModel};
  bound->embedding = finder.matrix("embedding", ids[0], c.vocabulary, c.embedding);
  bound->position_embedding = {};
  if (ids[1] != kNone) {
    bound->position_embedding =
        finder.matrix("position_embedding", ids[1], c.context_length, c.embedding, true);
  }
  bound->output_norm = finder.required_norm("output_norm", ids[2], "output_norm_bias", ids[3]);
  bound->output_head = finder.matrix("output_head", ids[4], c.vocabulary, c.embedding);
  return finder.status;
}

static int32_t bind(quire_context& context, const int32_t* layer_weights,
                    const int32_t* model_weights) {
  BoundWeights bound;
  int32_t status = find_model_weights(context, model_weights, &bound);
  for (int32_t layer = 0; status == QUIRE_OK && layer < context.config.layers; ++layer) {
    Finder finder = {context, bound, layer};
    bound.layers.push_back(
        finder.layer_weights(layer_weights + int64_t{layer} * QUIRE_LAYER_WEIGHTS));
    status = finder.status;
  }
  if (status == QUIRE_OK) context.bound = std::move(bound);
  return status;
}

}  // namespace quire

using namespace quire;

QUIRE_EXPORT int32_t quire_weight(quire_context* context, int32_t type, int64_t rows, int64_t cols,
                                  const void* packed) {
  const int64_t bytes = quire_packed_bytes(type, rows, cols);
  if (bytes < 0) return static_cast<int32_t>(bytes);
  if (context == nullptr || packed == nullptr || reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return fail(QUIRE_INVALID_ARG, "packed must be 64-byte aligned: packed=%p", packed);
  }
  try {
    context->weights.push_back({type, rows, cols, static_cast<const uint8_t*>(packed)});
    return static_cast<int32_t>(context->weights.size() - 1);
  } catch (...) {
    return fail(QUIRE_OOM, "memory must be available: weights=%zu", context->weights.size());
  }
}

QUIRE_EXPORT int32_t quire_bind(quire_context* context, const int32_t* layer_weights,
                                const int32_t* model_weights) {
  if (context == nullptr || layer_weights == nullptr || model_weights == nullptr ||
      context->next_call != kNoStep) {
    return fail(QUIRE_INVALID_ARG,
                "weights must be given, outside a step: layer_weights=%p, model_weights=%p",
                static_cast<const void*>(layer_weights), static_cast<const void*>(model_weights));
  }
  try {
    return bind(*context, layer_weights, model_weights);
  } catch (...) {
    return fail(QUIRE_OOM, "memory must be available: layers=%d", context->config.layers);
  }
}
