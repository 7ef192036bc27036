// Opening and closing a context, and its cache.
#include "context.h"

#include <stdlib.h>
#include <string.h>

#include <new>

#include "config.h"
#include "cores.h"
#include "isa.h"

namespace quire {

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

static ActivationScratch activations(int64_t tokens, int64_t cols) {
  ActivationScratch out;
  out.values = allocate<float>(elements({tokens, cols}));
  out.quants = allocate<int8_t>(elements({tokens, cols}));
  out.blocks = allocate<float>(elements({tokens, cols / kQuantElements + 1, kBlockFields}));
  out.outliers = allocate<Outlier>(elements({tokens, outliers_of(cols)}));
  return out;
}

static void allocate_scratch(quire_context& context) {
  const quire_config& c = context.config;
  const int64_t tokens = c.max_tokens;
  const int64_t rows = c.max_rows;
  const int64_t threads = context.pool->threads();
  int64_t widest = c.embedding > c.feed_forward ? c.embedding : c.feed_forward;
  widest = context.query_width > widest ? context.query_width : widest;
  context.x = allocate<float>(elements({tokens, c.embedding}));
  context.query = allocate<float>(elements({tokens, context.query_width}));
  context.key = allocate<float>(elements({tokens, context.kv_width}));
  context.value = allocate<float>(elements({tokens, context.kv_width}));
  context.attention = allocate<float>(elements({tokens, context.query_width}));
  context.gate = allocate<float>(elements({tokens, c.feed_forward}));
  if (c.activation != QUIRE_GELU) context.up = allocate<float>(elements({tokens, c.feed_forward}));
  context.projected = allocate<float>(elements({tokens, c.embedding}));
  context.logits = allocate<float>(elements({rows, c.vocabulary}));
  context.shared = activations(tokens > rows ? tokens : rows, widest);
  context.query_tiles = allocate<QueryTile>(tokens);
  context.running = allocate<float>(threads * 2 * kAttentionRows * (2 + context.layout.value_dim));
  context.prepared = allocate<uint32_t>(threads * kPreparedRows * c.head_dim);
  // Only steps of few tokens split their contexts over threads; others have heads enough.
  context.chunks = (int64_t{c.context_length} + kChunkTokens - 1) / kChunkTokens;
  const int64_t busy = 4 * threads / c.kv_heads;
  context.split_tokens = busy > 4 ? busy : 4;
  context.split_tokens = context.split_tokens < tokens ? context.split_tokens : tokens;
  context.partial = allocate<float>(
      elements({context.split_tokens, c.heads, context.chunks, 2 + context.layout.value_dim}));
  for (int64_t thread = 0; thread < threads; ++thread) {
    context.own.push_back(activations(kRedundantTokens, widest));
    context.own.back().panel = allocate<uint8_t>(panel_bytes(widest));
    SampleScratch sampling;
    sampling.adjusted = allocate<float>(c.vocabulary);
    sampling.weight = allocate<float>(c.vocabulary);
    sampling.run_sum = allocate<double>(c.vocabulary / kSumRun + 1);
    sampling.seen = allocate<int32_t>(c.vocabulary);
    sampling.kept = allocate<int32_t>(c.vocabulary + kLanes);
    sampling.kept_logit = allocate<float>(c.vocabulary + kLanes);
    sampling.kept_weight = allocate<float>(c.vocabulary + kLanes);
    sampling.band = allocate<int32_t>(c.vocabulary + kLanes);
    sampling.band_logit = allocate<float>(c.vocabulary + kLanes);
    sampling.band_weight = allocate<float>(c.vocabulary + kLanes);
    sampling.maximum = allocate<float>((c.vocabulary / kSumRun + 1) * kLanes);
    sampling.candidate = allocate<Candidate>(c.vocabulary);
    context.sampling.push_back(std::move(sampling));
  }
}

static CacheLayout cache_layout(const quire_config& config) {
  CacheLayout layout = {};
  layout.type = config.cache_type == QUIRE_CACHE_AUTO ? QUIRE_CACHE_BF16 : config.cache_type;
  layout.head_dim = config.head_dim;
  layout.value_dim = (config.head_dim + kLanes - 1) / kLanes * kLanes;
  const int64_t element_bytes = layout.type == QUIRE_CACHE_INT8 ? 1 : 2;
  layout.value_offset = element_bytes * kPageTokens * layout.head_dim;
  layout.scale_offset = layout.value_offset + element_bytes * kPageTokens * layout.value_dim;
  const int64_t scale_bytes = layout.type == QUIRE_CACHE_INT8 ? 2 * 2 * kPageTokens : 0;
  layout.head_bytes = layout.scale_offset + scale_bytes;
  layout.block_bytes = layout.head_bytes * config.kv_heads;
  return layout;
}

static std::unique_ptr<quire_context> make_context(const quire_config& config,
                                                   const KernelTable* kernels, int32_t isa) {
  auto context = std::make_unique<quire_context>();
  context->config = config;
  quire_config& own = context->config;
  own.rope_pairs = own.rope_dim = own.layer_rope = own.layer_window = nullptr;
  own.rope_magnitude = own.inverse_frequency = nullptr;
  context->isa = isa;
  context->kernels = kernels;
  context->query_width = int64_t{config.heads} * config.head_dim;
  context->kv_width = int64_t{config.kv_heads} * config.head_dim;
  context->group = config.heads / config.kv_heads;
  context->layout = cache_layout(config);
  own.cache_type = context->layout.type;
  const Cores cores = usable_cores();
  const int32_t threads = config.threads == 0 ? cores.threads() : config.threads;
  context->pool = std::make_unique<ThreadPool>(threads, threads <= cores.processors(),
                                               cores.allowed, cores.nodes_of(threads));
  context->parts = std::make_unique<PartQueue>(cores.nodes_of(threads));
  context->ropes = copy_ropes(config);
  context->layer_ropes.assign(config.layer_rope, config.layer_rope + config.layers);
  context->windows.assign(config.layer_window, config.layer_window + config.layers);
  allocate_scratch(*context);
  return context;
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
  if (kernels == nullptr) return isa;
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

QUIRE_EXPORT int32_t quire_context_cache_type(const quire_context* context) {
  return context->layout.type;
}

QUIRE_EXPORT int64_t quire_block_bytes(const quire_context* context) {
  return context->layout.block_bytes * context->config.layers;
}

QUIRE_EXPORT int32_t quire_cache_open(quire_context* context, int64_t blocks, void* memory) {
  if (context == nullptr || memory == nullptr || reinterpret_cast<uintptr_t>(memory) % 64 != 0 ||
      blocks <= 0 || blocks > INT32_MAX || context->next_call != kNoStep) {
    return fail(QUIRE_INVALID_ARG,
                "blocks must be positive and memory 64-byte aligned, outside a step: blocks=%lld, "
                "memory=%p",
                static_cast<long long>(blocks), memory);
  }
  context->cache = static_cast<uint8_t*>(memory);
  context->blocks = blocks;
  context->layer_bytes = blocks * context->layout.block_bytes;
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
  const int64_t bytes = context->layout.block_bytes;
  for (int32_t layer = 0; layer < context->config.layers; ++layer) {
    uint8_t* base = context->cache + layer * context->layer_bytes;
    for (int32_t i = 0; i < count; ++i) {
      if (src[i] == dst[i]) continue;
      memcpy(base + dst[i] * bytes, base + src[i] * bytes, static_cast<size_t>(bytes));
    }
  }
  return QUIRE_OK;
}

