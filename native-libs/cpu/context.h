// A context: the model's shape and weights, the pool of blocks, worker threads and scratch.
//
// Owned by the thread that calls (worker 0). Everything is allocated in quire_open and quire_bind;
// the calls of a step allocate nothing.
#ifndef QUIRE_CPU_CONTEXT_H
#define QUIRE_CPU_CONTEXT_H

#include <atomic>
#include <initializer_list>
#include <memory>
#include <new>
#include <vector>

#include "kernel_table.h"
#include "parts.h"
#include "status.h"
#include "thread_pool.h"

namespace quire {

struct FreeMemory {
  void operator()(void* memory) const;
};
template <typename T>
using Buffer = std::unique_ptr<T[], FreeMemory>;

// Cache-line aligned, zeroed; throws std::bad_alloc.
void* allocate_bytes(int64_t count, int64_t element_bytes);
// Product of sizes; throws std::bad_alloc where no memory could hold as many.
inline int64_t elements(std::initializer_list<int64_t> sizes) {
  int64_t product = 1;
  for (const int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) throw std::bad_alloc();
  }
  return product;
}
template <typename T>
Buffer<T> allocate(int64_t count) {
  return Buffer<T>(static_cast<T*>(allocate_bytes(count, sizeof(T))));
}

// A matrix and what is added to its product; null: nothing.
struct Projection {
  Weight weight;
  const float* bias;
};

// Null weight: there is no such norm.
struct NormWeights {
  const float* weight;
  const float* bias;
};

struct LayerWeights {
  NormWeights attention_norm, feed_forward_norm;
  const float *query_norm, *key_norm;                       // RMS over each head; null: none
  NormWeights post_attention_norm, post_feed_forward_norm;  // of what joins the residual stream
  Projection query, key, value, output, gate, up, down;
};

// A rotary embedding.
struct Rope {
  int32_t pairs, dim;  // QUIRE_PAIRS_*, rotated elements of a head
  float magnitude;
  std::vector<float> inverse_frequency;  // [dim / 2]
  // Of the step's tokens, times the magnitude: [T, dim / 2]
  Buffer<float> cos, sin;
};

// What quire_bind found. `vectors` owns norms and biases, which are few and small.
struct BoundWeights {
  std::vector<LayerWeights> layers;  // empty: not bound
  std::vector<Buffer<float>> vectors;
  Weight embedding, output_head;
  Weight position_embedding;  // packed null: none
  NormWeights output_norm;
};

// Prepared input of a matmul; `values` may be someone else's.
struct ActivationScratch {
  Buffer<float> values;
  Buffer<int8_t> quants;
  Buffer<float> blocks;
  Buffer<Outlier> outliers;
  Buffer<uint8_t> panel;  // a thread's own scratch of products
};

// Neighbouring tokens of one sequence that share the reading of pages.
struct QueryTile {
  int32_t seq, first, tokens;
};

struct Candidate {
  float logit;
  int32_t place;  // in the list
  float weight;
};

struct SampleScratch {
  Buffer<float> adjusted;       // [vocabulary] after bias and penalties
  Buffer<float> weight;         // [vocabulary]
  Buffer<double> run_sum;       // [vocabulary / 512]
  Buffer<int32_t> seen;         // [vocabulary] zero between rows
  Buffer<int32_t> kept;         // [vocabulary + 16] ids of what may be drawn
  Buffer<float> kept_logit;     // [vocabulary + 16]
  Buffer<float> kept_weight;    // [vocabulary + 16]
  Buffer<float> maximum;        // [vocabulary / 512 rounded up, 16]
  Buffer<int32_t> band;         // [vocabulary + 16] places in that list
  Buffer<float> band_logit;     // [vocabulary + 16]
  Buffer<float> band_weight;    // [vocabulary + 16]
  Buffer<Candidate> candidate;  // [vocabulary]
};

// Which call of a step is due: 0 embed, 1 + 5 * layer + i, logits, sample; kNoStep outside a step.
constexpr int32_t kNoStep = -1;

}  // namespace quire

struct quire_context {
  quire_config config;  // its arrays are null: ropes, layer_ropes and windows hold what they said
  int32_t isa;
  const quire::KernelTable* kernels;
  std::unique_ptr<quire::ThreadPool> pool;
  std::unique_ptr<quire::PartQueue> parts;

  // Shape.
  int64_t query_width, kv_width;
  int32_t group;  // query heads of a KV head
  quire::CacheLayout layout;

  std::vector<quire::Rope> ropes;
  std::vector<int32_t> layer_ropes;  // [layers] into ropes, -1 = none
  std::vector<int32_t> windows;      // [layers] positions that a token attends to, 0 = all

  // Weights.
  std::vector<quire::Weight> weights;
  quire::BoundWeights bound;

  // Cache: [layer][block][kv_head] of pages.
  uint8_t* cache = nullptr;
  int64_t blocks = 0;
  int64_t layer_bytes = 0;
  uint8_t* swap = nullptr;  // [slots][layers][layout.block_bytes]
  int64_t slots = 0;

  // Step.
  const quire_plan* plan = nullptr;
  int32_t next_call = quire::kNoStep;

  // Scratch; T, R, widest input of a matmul as in the configuration.
  quire::Buffer<float> x;                       // [T, embedding]
  quire::Buffer<float> query;                   // [T, query_width]
  quire::Buffer<float> key, value;              // [T, kv_width]
  quire::Buffer<float> attention;               // [T, query_width]
  quire::Buffer<float> gate;                    // [T, feed_forward], then the hidden layer
  quire::Buffer<float> up;                      // [T, feed_forward] where there is a gate
  quire::Buffer<float> projected;               // [T, embedding]
  quire::Buffer<float> logits;                  // [R, vocabulary]
  quire::ActivationScratch shared;              // [max(T, R), widest]
  std::vector<quire::ActivationScratch> own;    // per thread: [kRedundantTokens, widest]
  quire::Buffer<quire::QueryTile> query_tiles;  // [T]
  quire::Buffer<float> running;                 // per thread: [2 * kAttentionRows, 2 + value_dim]
  quire::Buffer<uint32_t> prepared;             // per thread: [kPreparedRows, head_dim]
  quire::Buffer<float> partial;                 // [split_tokens, heads, chunks, 2 + value_dim]
  int64_t split_tokens, chunks;
  std::vector<quire::SampleScratch> sampling;  // per thread
  alignas(64) std::atomic<int64_t> next_item{0};
};

#endif  // QUIRE_CPU_CONTEXT_H
