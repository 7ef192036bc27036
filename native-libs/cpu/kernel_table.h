// What one instruction set offers to the rest of the library: a table of functions over plain data.
//
// Every source that includes simd.h is compiled once per instruction set, inside a namespace of
// that name, and is reached only through its table, so that no vector code can run on a processor
// that lacks it. All variants give the same bits: 16 float lanes, the same order of operations,
// fused multiply-add everywhere (the scalar variant calls fmaf).
#ifndef QUIRE_CPU_KERNEL_TABLE_H
#define QUIRE_CPU_KERNEL_TABLE_H

#include <stdint.h>

namespace quire {

constexpr int kLanes = 16;          // float lanes; also output rows of a weight tile
constexpr int kPageTokens = 16;     // tokens of a cache page
constexpr int kQuantElements = 32;  // elements of a quantised block
constexpr int kChunkTokens = 256;   // tokens of an attention chunk, at absolute positions
constexpr int kAttentionRows = 8;   // query rows that share one reading of a page
constexpr int kMaxHeadDim = 512;
constexpr int kTopLogprobs = 20;

// A packed weight (pack.cpp has the layout).
struct Weight {
  int32_t type;
  int64_t rows;
  int64_t cols;
  const uint8_t* packed;
};

// Scale of 32 activations: x = scale * q.
struct QuantBlock {
  float scale;
  float scaled_sum;    // scale * sum of q
  int32_t offset_sum;  // 128 * sum of q, exact
  int32_t first_sum;   // the same of the first 16
};

// Activations of a matmul: float for float weights, quantised for quantised ones.
struct Activations {
  const float* values;  // [tokens, stride]
  int64_t stride;
  const int16_t* quants;     // [tokens, cols]
  const QuantBlock* blocks;  // [tokens, cols / 32]
};

// Up to kAttentionRows query rows of one KV head against one chunk of a sequence.
struct AttentionChunk {
  const uint16_t* pages;       // KV head's first page in block 0: keys [head_dim, 16], then values
  int64_t block_stride;        // float16 elements from block to block
  const int32_t* block_table;  // of the sequence
  int32_t chunk;               // positions chunk * 256 ...
  int32_t head_dim;
  int32_t value_dim;  // head_dim rounded up to 16: stride of a value row
  int32_t rows;
  float scale;                         // of scores
  const float* query[kAttentionRows];  // [head_dim]
  int32_t first[kAttentionRows];       // the row attends to positions first ... limit - 1
  int32_t limit[kAttentionRows];
  float* partial[kAttentionRows];  // [2 + value_dim] written: maximum, sum, weighted values
};

struct KernelTable {
  // out = in / rms(in) * weight, all [cols].
  void (*rms_norm)(const float* in, const float* weight, float epsilon, int64_t cols, float* out);
  // out = (in - mean) / deviation * weight + bias, all [cols]; bias may be null.
  void (*layer_norm)(const float* in, const float* weight, const float* bias, float epsilon,
                     int64_t cols, float* out);
  // in [cols], cols a multiple of 32.
  void (*quantise)(const float* in, int64_t cols, int16_t* quants, QuantBlock* blocks);
  // Row tiles [tile_begin, tile_end) for `tokens` tokens: out[token * out_stride + row].
  void (*matmul)(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
                 int64_t tile_end, float* out, int64_t out_stride);
  // Rotates elements [begin, end) of the heads in `data`; cos and sin are [rope_dim / 2]. Whole
  // pairs for rope_adjacent, whole heads for rope_halves.
  void (*rope_adjacent)(float* data, int64_t begin, int64_t end, int32_t head_dim, int32_t rope_dim,
                        const float* cos, const float* sin);
  void (*rope_halves)(float* data, int64_t begin, int64_t end, int32_t head_dim, int32_t rope_dim,
                      const float* cos, const float* sin);
  // out = activation(gate) * up, or gelu(in); out may be an input.
  void (*silu_mul)(const float* gate, const float* up, int64_t count, float* out);
  void (*gelu_mul)(const float* gate, const float* up, int64_t count, float* out);
  void (*gelu)(const float* in, int64_t count, float* out);
  void (*add)(const float* in, int64_t count, float* out);   // out += in
  void (*scale)(float factor, int64_t count, float* inout);  // inout *= factor
  void (*embed_row)(const Weight& weight, int64_t row, float* out);
  // Elements [begin, end) of the heads in `data` into `slot`; head h's page of block 0 is at
  // pages + h * head_stride.
  void (*cache_write_key)(const float* data, int64_t begin, int64_t end, int32_t head_dim,
                          uint16_t* pages, int64_t head_stride, int64_t block_stride, int64_t slot);
  void (*cache_write_value)(const float* data, int64_t begin, int64_t end, int32_t head_dim,
                            int32_t value_dim, uint16_t* pages, int64_t head_stride,
                            int64_t block_stride, int64_t slot);
  void (*attention_chunk)(const AttentionChunk& chunk);
  // running = running merged with partial, both [2 + value_dim]; then out = values / sum.
  void (*attention_merge)(float* running, const float* partial, int32_t value_dim);
  void (*attention_finish)(const float* running, int32_t head_dim, float* out);
  // Largest of [count] that is a number and its lowest index; -1 and -infinity where none is above
  // -infinity.
  int64_t (*arg_max)(const float* in, int64_t count, float* largest);
  // out = exp((in - largest) / temperature), 0 for what is not a number; sums [count / 512, rounded
  // up] of each run of 512.
  void (*exp_weights)(const float* in, int64_t count, float largest, float temperature, float* out,
                      double* sums);
  // The `wanted` largest numbers of [count], largest first, ties to the lowest index; returns how
  // many there are.
  int32_t (*top_values)(const float* in, int64_t count, int32_t wanted, int32_t* index,
                        float* value);
};

constexpr int64_t kSumRun = 512;  // tokens of one entry of exp_weights' sums

const KernelTable* scalar_kernels();
const KernelTable* avx2_kernels();
const KernelTable* avx512_kernels();
const KernelTable* vnni_kernels();

}  // namespace quire

#endif  // QUIRE_CPU_KERNEL_TABLE_H
