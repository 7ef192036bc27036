// Opening, weights, binding and the cache of a context.
#include "context.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "isa.h"
#include "weight_layout.h"

namespace quire {

static constexpr int32_t kMaxThreads = 512;

void FreeMemory::operator()(void* memory) const { free(memory); }

void* allocate_bytes(int64_t count, int64_t element_bytes) {
  int64_t bytes;
  if (__builtin_mul_overflow(count, element_bytes, &bytes)) throw std::bad_alloc();
  const size_t padded = (static_cast<size_t>(bytes) + 63) / 64 * 64 + 64;
  void* memory = aligned_alloc(64, padded);
  if (memory == nullptr) throw std::bad_alloc();
  memset(memory, 0, padded);
  return memory;
}

static int32_t check_positive(const char* name, int32_t value) {
  if (value > 0) return QUIRE_OK;
  return fail(QUIRE_INVALID_ARG, "%s must be positive: %s=%d", name, name, value);
}

static int32_t check_config(const quire_config& c) {
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
    if (check_positive(entry.name, entry.value) != QUIRE_OK) return QUIRE_INVALID_ARG;
  }
  if (c.heads % c.kv_heads != 0) {
    return fail(QUIRE_INVALID_ARG, "heads must be a multiple of kv_heads: heads=%d, kv_heads=%d",
                c.heads, c.kv_heads);
  }
  if (c.head_dim % 2 != 0 || c.head_dim > kMaxHeadDim) {
    return fail(QUIRE_UNSUPPORTED_SHAPE, "head_dim must be even and at most %d: head_dim=%d",
                kMaxHeadDim, c.head_dim);
  }
  if (c.rope_dim < 0 || c.rope_dim > c.head_dim || c.rope_dim % 2 != 0) {
    return fail(QUIRE_INVALID_ARG,
                "rope_dim must be even and at most head_dim: rope_dim=%d, head_dim=%d", c.rope_dim,
                c.head_dim);
  }
  if (!(c.rope_base > 0) || !isfinite(c.rope_base) || !(c.norm_epsilon >= 0) ||
      !isfinite(c.norm_epsilon)) {
    return fail(QUIRE_INVALID_ARG,
                "rope_base must be positive and norm_epsilon not negative: rope_base=%g, "
                "norm_epsilon=%g",
                static_cast<double>(c.rope_base), static_cast<double>(c.norm_epsilon));
  }
  if (c.threads < 0 || c.threads > kMaxThreads) {
    return fail(QUIRE_INVALID_ARG, "threads must be between 0 and %d: threads=%d", kMaxThreads,
                c.threads);
  }
  return QUIRE_OK;
}

static void fill_rope_tables(quire_context& context) {
  const quire_config& c = context.config;
  const int32_t pairs = c.rope_dim / 2;
  context.rope_cos = allocate<float>(int64_t{c.context_length} * pairs);
  context.rope_sin = allocate<float>(int64_t{c.context_length} * pairs);
  for (int32_t i = 0; i < pairs; ++i) {
    const double base = static_cast<double>(c.rope_base);
    const double frequency = pow(base, -2.0 * i / c.rope_dim);
    for (int64_t position = 0; position < c.context_length; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      context.rope_cos[position * pairs + i] = static_cast<float>(cos(angle));
      context.rope_sin[position * pairs + i] = static_cast<float>(sin(angle));
    }
  }
}

static ActivationScratch activations(int64_t tokens, int64_t cols) {
  ActivationScratch out;
  out.values = allocate<float>(tokens * cols);
  out.quants = allocate<int16_t>(tokens * cols);
  out.blocks = allocate<QuantBlock>(tokens * (cols / kQuantElements + 1));
  return out;
}

static void allocate_scratch(quire_context& context) {
  const quire_config& c = context.config;
  const int64_t tokens = c.max_tokens;
  const int64_t rows = c.max_rows;
  const int64_t threads = context.pool->threads();
  int64_t widest = c.embedding > c.feed_forward ? c.embedding : c.feed_forward;
  widest = context.query_width > widest ? context.query_width : widest;
  context.x = allocate<float>(tokens * c.embedding);
  context.query = allocate<float>(tokens * context.query_width);
  context.key = allocate<float>(tokens * context.kv_width);
  context.value = allocate<float>(tokens * context.kv_width);
  context.attention = allocate<float>(tokens * context.query_width);
  context.gate = allocate<float>(tokens * c.feed_forward);
  context.up = allocate<float>(tokens * c.feed_forward);
  context.projected = allocate<float>(tokens * c.embedding);
  context.logits = allocate<float>(rows * c.vocabulary);
  context.shared = activations(tokens > rows ? tokens : rows, widest);
  context.query_tiles = allocate<QueryTile>(tokens);
  context.running = allocate<float>(threads * 2 * kAttentionRows * (2 + context.value_dim));
  // Only steps of few tokens split their contexts over threads; others have heads enough.
  context.chunks = (int64_t{c.context_length} + kChunkTokens - 1) / kChunkTokens;
  const int64_t busy = 4 * threads / c.kv_heads;
  context.split_tokens = busy > 4 ? busy : 4;
  context.split_tokens = context.split_tokens < tokens ? context.split_tokens : tokens;
  context.partial =
      allocate<float>(context.split_tokens * c.heads * context.chunks * (2 + context.value_dim));
  for (int64_t thread = 0; thread < threads; ++thread) {
    context.own.push_back(activations(kRedundantTokens, widest));
    SampleScratch sampling;
    sampling.adjusted = allocate<float>(c.vocabulary);
    sampling.weight = allocate<float>(c.vocabulary);
    sampling.run_sum = allocate<double>(c.vocabulary / kSumRun + 1);
    sampling.seen = allocate<int32_t>(c.vocabulary);
    sampling.candidate = allocate<Candidate>(c.vocabulary);
    sampling.active = allocate<Candidate>(c.vocabulary);
    context.sampling.push_back(std::move(sampling));
  }
}

static std::unique_ptr<quire_context> make_context(const quire_config& config,
                                                   const KernelTable* kernels, int32_t isa) {
  auto context = std::make_unique<quire_context>();
  context->config = config;
  context->isa = isa;
  context->kernels = kernels;
  context->query_width = int64_t{config.heads} * config.head_dim;
  context->kv_width = int64_t{config.kv_heads} * config.head_dim;
  context->group = config.heads / config.kv_heads;
  context->value_dim = (config.head_dim + kLanes - 1) / kLanes * kLanes;
  context->head_elements = int64_t{kPageTokens} * (config.head_dim + context->value_dim);
  context->block_elements = context->head_elements * config.kv_heads;
  const int32_t cores = quire_cores();
  const int32_t threads = config.threads == 0 ? cores : config.threads;
  context->pool = std::make_unique<ThreadPool>(threads, threads <= cores);
  fill_rope_tables(*context);
  allocate_scratch(*context);
  return context;
}

static int32_t find_weight(const quire_context& context, const char* name, int32_t id, int64_t rows,
                           int64_t cols, Weight* weight) {
  if (id < 0 || id >= static_cast<int64_t>(context.weights.size())) {
    return fail(QUIRE_INVALID_ARG, "weight must be registered: weight=%s, id=%d", name, id);
  }
  *weight = context.weights[static_cast<size_t>(id)];
  if (weight->rows != rows || weight->cols != cols) {
    return fail(QUIRE_UNSUPPORTED_SHAPE,
                "weight must have the model's shape: weight=%s, rows=%lld, expected=%lld, "
                "cols=%lld, expected=%lld",
                name, static_cast<long long>(weight->rows), static_cast<long long>(rows),
                static_cast<long long>(weight->cols), static_cast<long long>(cols));
  }
  return QUIRE_OK;
}

// Norms are few and small: kept as plain vectors.
static int32_t find_norm(quire_context& context, const char* name, int32_t id, const float** norm) {
  Weight weight;
  const int32_t status = find_weight(context, name, id, 1, context.config.embedding, &weight);
  if (status != QUIRE_OK) return status;
  if (weight.type != QUIRE_F32) {
    return fail(QUIRE_UNSUPPORTED_DTYPE, "norm must be F32: weight=%s, type=%d", name, weight.type);
  }
  Buffer<float> values = allocate<float>(weight.cols);
  context.kernels->embed_row(weight, 0, values.get());
  *norm = values.get();
  context.norms.push_back(std::move(values));
  return QUIRE_OK;
}

static int32_t find_layer(quire_context& context, const int32_t* ids, LayerWeights* layer) {
  const quire_config& c = context.config;
  const struct {
    const char* name;
    int32_t id;
    int64_t rows, cols;
    Weight* weight;
  } wanted[] = {{"query", ids[1], context.query_width, c.embedding, &layer->query},
                {"key", ids[2], context.kv_width, c.embedding, &layer->key},
                {"value", ids[3], context.kv_width, c.embedding, &layer->value},
                {"output", ids[4], c.embedding, context.query_width, &layer->output},
                {"gate", ids[6], c.feed_forward, c.embedding, &layer->gate},
                {"up", ids[7], c.feed_forward, c.embedding, &layer->up},
                {"down", ids[8], c.embedding, c.feed_forward, &layer->down}};
  for (const auto& w : wanted) {
    const int32_t status = find_weight(context, w.name, w.id, w.rows, w.cols, w.weight);
    if (status != QUIRE_OK) return status;
  }
  const int32_t status = find_norm(context, "attention_norm", ids[0], &layer->attention_norm);
  if (status != QUIRE_OK) return status;
  return find_norm(context, "feed_forward_norm", ids[5], &layer->feed_forward_norm);
}

static int32_t bind(quire_context& context, const int32_t* layer_weights, int32_t embedding,
                    int32_t output_norm, int32_t output_head) {
  const quire_config& c = context.config;
  std::vector<LayerWeights> layers(static_cast<size_t>(c.layers));
  for (int32_t layer = 0; layer < c.layers; ++layer) {
    const int32_t status = find_layer(context, layer_weights + int64_t{layer} * 9,
                                      &layers[static_cast<size_t>(layer)]);
    if (status != QUIRE_OK) return status;
  }
  int32_t status =
      find_weight(context, "embedding", embedding, c.vocabulary, c.embedding, &context.embedding);
  if (status != QUIRE_OK) return status;
  status = find_weight(context, "output_head", output_head, c.vocabulary, c.embedding,
                       &context.output_head);
  if (status != QUIRE_OK) return status;
  status = find_norm(context, "output_norm", output_norm, &context.output_norm);
  if (status != QUIRE_OK) return status;
  context.layers = std::move(layers);
  context.bound = true;
  return QUIRE_OK;
}

}  // namespace quire

using namespace quire;

QUIRE_EXPORT int32_t quire_open(const quire_config* config, quire_context** context) {
  if (config == nullptr || context == nullptr) {
    return fail(QUIRE_INVALID_ARG, "config and context must be given: config=%p",
                static_cast<const void*>(config));
  }
  const int32_t status = check_config(*config);
  if (status != QUIRE_OK) return status;
  int32_t isa;
  const KernelTable* kernels = kernels_of(config->isa, &isa);
  if (kernels == nullptr) {
    return fail(QUIRE_ISA_MISSING, "processor must have the instruction set: isa=%d", config->isa);
  }
  try {
    *context = make_context(*config, kernels, isa).release();
    return QUIRE_OK;
  } catch (...) {
    return fail(QUIRE_OOM, "memory and threads must be available for the context: threads=%d",
                config->threads);
  }
}

QUIRE_EXPORT int32_t quire_close(quire_context* context) {
  delete context;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_context_isa(const quire_context* context) { return context->isa; }

QUIRE_EXPORT int32_t quire_context_threads(const quire_context* context) {
  return context->pool->threads();
}

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
                                int32_t embedding, int32_t output_norm, int32_t output_head) {
  if (context == nullptr || layer_weights == nullptr || context->next_call != kNoStep) {
    return fail(QUIRE_INVALID_ARG, "layer_weights must be given, outside a step: layer_weights=%p",
                static_cast<const void*>(layer_weights));
  }
  try {
    return bind(*context, layer_weights, embedding, output_norm, output_head);
  } catch (...) {
    return fail(QUIRE_OOM, "memory must be available: layers=%d", context->config.layers);
  }
}

QUIRE_EXPORT int64_t quire_block_bytes(const quire_context* context) {
  return context->block_elements * context->config.layers * static_cast<int64_t>(sizeof(uint16_t));
}

QUIRE_EXPORT int32_t quire_cache_open(quire_context* context, int64_t blocks, void* memory) {
  if (context == nullptr || memory == nullptr || reinterpret_cast<uintptr_t>(memory) % 64 != 0 ||
      blocks <= 0 || blocks > INT32_MAX || context->next_call != kNoStep) {
    return fail(QUIRE_INVALID_ARG,
                "blocks must be positive and memory 64-byte aligned, outside a step: blocks=%lld, "
                "memory=%p",
                static_cast<long long>(blocks), memory);
  }
  context->cache = static_cast<uint16_t*>(memory);
  context->blocks = blocks;
  context->layer_elements = blocks * context->block_elements;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_block_copy(quire_context* context, int32_t count, const int32_t* src,
                                      const int32_t* dst) {
  if (context == nullptr || context->cache == nullptr || count < 0 ||
      (count > 0 && (src == nullptr || dst == nullptr))) {
    return fail(QUIRE_INVALID_ARG, "cache must be open and count not negative: count=%d", count);
  }
  for (int32_t i = 0; i < count; ++i) {
    if (src[i] < 0 || src[i] >= context->blocks || dst[i] < 0 || dst[i] >= context->blocks) {
      return fail(QUIRE_INVALID_ARG, "block must be in the pool: src=%d, dst=%d, blocks=%lld",
                  src[i], dst[i], static_cast<long long>(context->blocks));
    }
  }
  const int64_t elements = context->block_elements;
  for (int32_t layer = 0; layer < context->config.layers; ++layer) {
    uint16_t* base = context->cache + layer * context->layer_elements;
    for (int32_t i = 0; i < count; ++i) {
      if (src[i] == dst[i]) continue;
      memcpy(base + dst[i] * elements, base + src[i] * elements,
             static_cast<size_t>(elements) * sizeof(uint16_t));
    }
  }
  return QUIRE_OK;
}
