// Checking a configuration, and taking over its arrays.
#include "config.h"

#include <math.h>

namespace quire {

static int32_t check_counts(const quire_config& c) {
  const struct {
    const char* name;
    int32_t value;
  } positive[] = {{"layers", c.layers},
                  {"embedding", c.embedding},
                  {"feed_forward", c.feed_forward},
                  {"vocabulary", c.vocabulary},
                  {"heads", c.heads},
                  {"kv_heads", c.kv_heads},
                  {"head_dim", c.head_dim},
                  {"context_length", c.context_length},
                  {"max_tokens", c.max_tokens},
                  {"max_seqs", c.max_seqs},
                  {"max_rows", c.max_rows},
                  {"table_stride", c.table_stride}};
  for (const auto& entry : positive) {
    if (entry.value > 0) continue;
    return fail(QUIRE_INVALID_ARG, "%s must be positive: %s=%d", entry.name, entry.name,
                entry.value);
  }
  if (c.heads % c.kv_heads != 0) {
    return fail(QUIRE_INVALID_ARG, "heads must be a multiple of kv_heads: heads=%d, kv_heads=%d",
                c.heads, c.kv_heads);
  }
  if (c.head_dim % 2 != 0 || c.head_dim > kMaxHeadDim) {
    return fail(QUIRE_UNSUPPORTED_SHAPE, "head_dim must be even and at most %d: head_dim=%d",
                kMaxHeadDim, c.head_dim);
  }
  const int64_t heads_width = int64_t{c.heads} * c.head_dim;
  const int64_t inner = c.embedding > c.feed_forward ? c.embedding : c.feed_forward;
  if ((heads_width > inner ? heads_width : inner) > int64_t{kMaxQuantBlocks} * kQuantElements) {
    return fail(QUIRE_UNSUPPORTED_SHAPE,
                "embedding, feed_forward and heads * head_dim must be at most %d: embedding=%d, "
                "feed_forward=%d, heads=%d, head_dim=%d",
                kMaxQuantBlocks * kQuantElements, c.embedding, c.feed_forward, c.heads, c.head_dim);
  }
  if (c.threads < 0 || c.threads > ThreadPool::kMaxThreads) {
    return fail(QUIRE_INVALID_ARG, "threads must be between 0 and %d: threads=%d",
                ThreadPool::kMaxThreads, c.threads);
  }
  return QUIRE_OK;
}

static bool positive_and_finite(float value) { return value > 0 && isfinite(value); }

static int32_t check_kinds(const quire_config& c) {
  if (c.norm != QUIRE_NORM_RMS && c.norm != QUIRE_NORM_LAYER) {
    return fail(QUIRE_INVALID_ARG, "norm must be one of QUIRE_NORM_*: norm=%d", c.norm);
  }
  if (c.activation < QUIRE_GATED_SILU || c.activation > QUIRE_GELU) {
    return fail(QUIRE_INVALID_ARG,
                "activation must be one of QUIRE_GATED_SILU ... QUIRE_GELU: "
                "activation=%d",
                c.activation);
  }
  if (c.cache_type < QUIRE_CACHE_AUTO || c.cache_type > QUIRE_CACHE_INT8) {
    return fail(QUIRE_UNSUPPORTED_DTYPE, "cache_type must be one of QUIRE_CACHE_*: cache_type=%d",
                c.cache_type);
  }
  if (!(c.norm_epsilon >= 0) || !isfinite(c.norm_epsilon)) {
    return fail(QUIRE_INVALID_ARG, "norm_epsilon must be finite and not negative: norm_epsilon=%g",
                static_cast<double>(c.norm_epsilon));
  }
  if (!positive_and_finite(c.embedding_scale) || !positive_and_finite(c.attention_scale)) {
    return fail(QUIRE_INVALID_ARG,
                "scales must be positive and finite: embedding_scale=%g, attention_scale=%g",
                static_cast<double>(c.embedding_scale), static_cast<double>(c.attention_scale));
  }
  return QUIRE_OK;
}

static int32_t check_ropes(const quire_config& c) {
  if (c.ropes < 0 ||
      (c.ropes > 0 && (c.rope_pairs == nullptr || c.rope_dim == nullptr ||
                       c.rope_magnitude == nullptr || c.inverse_frequency == nullptr))) {
    return fail(QUIRE_INVALID_ARG, "the numbers of every rope must be given: ropes=%d", c.ropes);
  }
  const float* frequency = c.inverse_frequency;
  for (int32_t i = 0; i < c.ropes; ++i) {
    if (c.rope_pairs[i] != QUIRE_PAIRS_ADJACENT && c.rope_pairs[i] != QUIRE_PAIRS_HALVES) {
      return fail(QUIRE_INVALID_ARG, "rope_pairs must be one of QUIRE_PAIRS_*: rope=%d, pairs=%d",
                  i, c.rope_pairs[i]);
    }
    const int32_t dim = c.rope_dim[i];
    if (dim < 2 || dim > c.head_dim || dim % 2 != 0) {
      return fail(QUIRE_INVALID_ARG,
                  "rope_dim must be even, positive and at most head_dim: rope=%d, rope_dim=%d, "
                  "head_dim=%d",
                  i, dim, c.head_dim);
    }
    if (!positive_and_finite(c.rope_magnitude[i])) {
      return fail(QUIRE_INVALID_ARG,
                  "rope_magnitude must be positive and finite: rope=%d, magnitude=%g", i,
                  static_cast<double>(c.rope_magnitude[i]));
    }
    for (int32_t pair = 0; pair < dim / 2; ++pair, ++frequency) {
      if (*frequency >= 0 && isfinite(*frequency)) continue;
      return fail(QUIRE_INVALID_ARG,
                  "inverse_frequency must be finite and not negative: rope=%d, pair=%d, value=%g",
                  i, pair, static_cast<double>(*frequency));
    }
  }
  return QUIRE_OK;
}

static int32_t check_layers(const quire_config& c) {
  if (c.layer_rope == nullptr || c.layer_window == nullptr) {
    return fail(QUIRE_INVALID_ARG, "layer_rope and layer_window must be given: layers=%d",
                c.layers);
  }
  for (int32_t layer = 0; layer < c.layers; ++layer) {
    if (c.layer_rope[layer] < -1 || c.layer_rope[layer] >= c.ropes) {
      return fail(QUIRE_INVALID_ARG,
                  "layer_rope must be a rope or -1: layer=%d, layer_rope=%d, ropes=%d", layer,
                  c.layer_rope[layer], c.ropes);
    }
    if (c.layer_window[layer] < 0) {
      return fail(QUIRE_INVALID_ARG, "layer_window must not be negative: layer=%d, layer_window=%d",
                  layer, c.layer_window[layer]);
    }
  }
  return QUIRE_OK;
}

int32_t check_config(const quire_config& config) {
  for (const auto check : {check_counts, check_kinds, check_ropes, check_layers}) {
    const int32_t status = check(config);
    if (status != QUIRE_OK) return status;
  }
  return QUIRE_OK;
}

std::vector<Rope> copy_ropes(const quire_config& config) {
  std::vector<Rope> ropes;
  const float* frequency = config.inverse_frequency;
  for (int32_t i = 0; i < config.ropes; ++i) {
    Rope rope;
    rope.pairs = config.rope_pairs[i];
    rope.dim = config.rope_dim[i];
    rope.magnitude = config.rope_magnitude[i];
    rope.inverse_frequency.assign(frequency, frequency + rope.dim / 2);
    rope.cos = allocate<float>(int64_t{config.max_tokens} * (rope.dim / 2));
    rope.sin = allocate<float>(int64_t{config.max_tokens} * (rope.dim / 2));
    frequency += rope.dim / 2;
    ropes.push_back(std::move(rope));
  }
  return ropes;
}

}  // namespace quire
