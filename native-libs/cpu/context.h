// A context: the model's shape and weights, the pool of blocks, worker threads and scratch.
//
// Owned by the thread that calls (worker 0). Everything is allocated in quire_open and quire_bind;
// the calls of a step allocate nothing.
#ifndef QUIRE_CPU_CONTEXT_H
#define QUIRE_CPU_CONTEXT_H

#include <atomic>
#include <memory>
#include <vector>

#include "kernel_table.h"
#include "status.h"
#include "thread_pool.h"

namespace quire {

// Up to this many tokens, every thread normalises and quantises all of them for itself: cheaper
// than waiting for each other once more.
constexpr int64_t kRedundantTokens = 4;

struct FreeMemory {
  void operator()(void* memory) const;
};
template <typename T>
using Buffer = std::unique_ptr<T[], FreeMemory>;

// Cache-line aligned, zeroed; throws std::bad_alloc.
void* allocate_bytes(int64_t count, int64_t element_bytes);
template <typename T>
Buffer<T> allocate(int64_t count) {
  return Buffer<T>(static_cast<T*>(allocate_bytes(count, sizeof(T))));
}

struct LayerWeights {
  const float* attention_norm;
  const float* feed_forward_norm;
  Weight query, key, value, output, gate, up, down;
};

// Prepared input of a matmul; `values` may be someone else's.
struct ActivationScratch {
  Buffer<float> values;
  Buffer<int16_t> quants;
  Buffer<QuantBlock> blocks;
};

// Neighbouring tokens of one sequence that share the reading of pages.
struct QueryTile {
  int32_t seq, first, tokens;
};

struct Candidate {
  uint32_t key;  // orders like the logit
  int32_t token;
  float weight;
};

struct SampleScratch {
  Buffer<float> adjusted;       // [vocabulary] after bias and penalties
  Buffer<float> weight;         // [vocabulary]
  Buffer<double> run_sum;       // [vocabulary / 512]
  Buffer<int32_t> seen;         // [vocabulary] zero between rows
  Buffer<Candidate> candidate;  // [vocabulary] in id order
  Buffer<Candidate> active;     // [vocabulary]
};

// Which call of a step is due: 0 embed, 1 + 5 * layer + i, logits, sample; kNoStep outside a step.
constexpr int32_t kNoStep = -1;

}  // namespace quire

struct quire_context {
  quire_config config;
  int32_t isa;
  const quire::KernelTable* kernels;
  std::unique_ptr<quire::ThreadPool> pool;

  // Shape.
  int64_t query_width, kv_width;
  int32_t group;                                          // query heads of a KV head
  int32_t value_dim;                                      // head_dim rounded up to 16
  int64_t head_elements, block_elements, layer_elements;  // float16 of a head's K and V page; ...

  // Weights.
  std::vector<quire::Weight> weights;
  std::vector<quire::LayerWeights> layers;
  std::vector<quire::Buffer<float>> norms;
  quire::Weight embedding, output_head;
  const float* output_norm = nullptr;
  bool bound = false;

  // Cache: [layer][block][kv_head]{K [head_dim, 16], V [16, value_dim]} float16.
  uint16_t* cache = nullptr;
  int64_t blocks = 0;

  // Step.
  const quire_plan* plan = nullptr;
  int32_t next_call = quire::kNoStep;

  // Scratch; T, R, widest input of a matmul as in the configuration.
  quire::Buffer<float> rope_cos, rope_sin;      // [context_length, rope_dim / 2]
  quire::Buffer<float> x;                       // [T, embedding]
  quire::Buffer<float> query;                   // [T, query_width]
  quire::Buffer<float> key, value;              // [T, kv_width]
  quire::Buffer<float> attention;               // [T, query_width]
  quire::Buffer<float> gate, up;                // [T, feed_forward]
  quire::Buffer<float> projected;               // [T, embedding]
  quire::Buffer<float> logits;                  // [R, vocabulary]
  quire::ActivationScratch shared;              // [max(T, R), widest]
  std::vector<quire::ActivationScratch> own;    // per thread: [kRedundantTokens, widest]
  quire::Buffer<quire::QueryTile> query_tiles;  // [T]
  quire::Buffer<float> running;                 // per thread: [2 * kAttentionRows, 2 + value_dim]
  quire::Buffer<float> partial;                 // [split_tokens, heads, chunks, 2 + value_dim]
  int64_t split_tokens, chunks;
  std::vector<quire::SampleScratch> sampling;  // per thread
  alignas(64) std::atomic<int64_t> next_item{0};
};

#endif  // QUIRE_CPU_CONTEXT_H
