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
constexpr int kAttentionRows = 48;  // query rows of a work item of attention
constexpr int kMaxHeadDim = 512;
constexpr int kMaxQuantBlocks = 2048;  // of a row of activations: 65,536 columns
constexpr int kTopLogprobs = 20;

// Up to this many tokens, every thread normalises and quantises all of them for itself: cheaper
// than waiting for each other once more.
constexpr int64_t kRedundantTokens = 4;

// A packed weight (pack.cpp has the layout).
struct Weight {
  int32_t type;
  int64_t rows;
  int64_t cols;
  const uint8_t* packed;
};

// An activation that is not quantised: its q is 0.
struct Outlier {
  uint32_t column;
  float value;
};

// Outliers of a row of activations.
constexpr int64_t outliers_of(int64_t cols) { return cols < 128 ? 1 : cols / 128; }

// Numbers of 4 bytes that a block of 32 activations has beside them (activations.h).
constexpr int64_t kBlockFields = 4;

// Rows of activations, quantised. Tokens come in parts, whose rows are interleaved (activations.h);
// a part begins where its first token's row would.
struct QuantisedRows {
  int8_t* quants;     // [tokens, cols]
  float* blocks;      // [tokens, cols / 32, kBlockFields]
  Outlier* outliers;  // [tokens, outliers_of(cols)]
};

// Activations of a matmul: float for float weights, quantised for quantised ones.
struct Activations {
  const float* values;  // [tokens, stride]
  int64_t stride;
  QuantisedRows quantised;
  uint8_t* panel;  // the thread's own, panel_bytes(cols); 64-byte aligned
};

// Where a product goes: element (token, row) is out[token * stride + row].
struct Products {
  float* out;
  int64_t stride;
  bool sums;  // added to what is there
};

// Bytes of a row tile's codes as bytes, with its scales and minima as float32, of at most `cols`
// columns.
constexpr int64_t panel_bytes(int64_t cols) { return cols * kLanes + cols / 16 * kLanes * 8; }

// How a layer's cache lies: the pages of head h of block b are at b * block_bytes + h * head_bytes,
// keys first (cache_write.cpp has the rest).
struct CacheLayout {
  int32_t type;  // QUIRE_CACHE_F16 ...
  int32_t head_dim;
  int32_t value_dim;     // head_dim rounded up to 16: of a value row
  int64_t value_offset;  // of the value page behind the key page
  int64_t scale_offset;  // of the scales, where the type has any
  int64_t head_bytes;    // keys, values and scales of 16 tokens
  int64_t block_bytes;   // of all heads
};

// Up to kAttentionRows query rows of one KV head against a sequence, chunk by chunk.
struct AttentionTile {
  CacheLayout layout;
  const uint8_t* pages;        // of the KV head in block 0
  const int32_t* block_table;  // of the sequence
  int32_t chunk;               // positions chunk * 256 ...
  int32_t rows;
  float scale;                         // of scores
  const float* query[kAttentionRows];  // [head_dim]
  int32_t first[kAttentionRows];       // the row attends to positions first ... limit - 1
  int32_t limit[kAttentionRows];
  float* partial[kAttentionRows];  // [2 + value_dim]: maximum, sum, weighted values
  // What attention_prepare makes of the query rows for attention_chunk.
  uint32_t* prepared;  // [kPreparedRows * head_dim]
  float prepared_scale[kAttentionRows];
};

// Tokens that may be drawn, in id order.
struct TokenList {
  int32_t* ids;
  float *logits, *weights;
};
constexpr int kPreparedRows = 64;  // kAttentionRows, and room for the last group of them

struct KernelTable {
  // out = in / rms(in) * weight, all [cols].
  void (*rms_norm)(const float* in, const float* weight, float epsilon, int64_t cols, float* out);
  // out = (in - mean) / deviation * weight + bias, all [cols]; bias may be null.
  void (*layer_norm)(const float* in, const float* weight, const float* bias, float epsilon,
                     int64_t cols, float* out);
  // How quantised rows are cut, for as many tokens: part `index` begins at token part_start(index,
  // tokens), the last one ends at part_start(parts_of(tokens), tokens).
  int64_t (*parts_of)(int64_t tokens);
  int64_t (*part_start)(int64_t index, int64_t tokens);
  // Row `token` of `tokens`: in [cols], cols a multiple of 32.
  void (*quantise)(const float* in, int64_t cols, int64_t token, int64_t tokens,
                   const QuantisedRows& out);
  // Row tiles [tile_begin, tile_end) for `tokens` tokens.
  void (*matmul)(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
                 int64_t tile_end, const Products& to);
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
  // Elements [begin, end) of the heads in `data` into `slot` of the layer's cache; whole heads for
  // a type with scales.
  void (*cache_write_key)(const CacheLayout& layout, const float* data, int64_t begin, int64_t end,
                          uint8_t* layer, int64_t slot);
  void (*cache_write_value)(const CacheLayout& layout, const float* data, int64_t begin,
                            int64_t end, uint8_t* layer, int64_t slot);
  // Once for the tile's rows; then for every chunk, which writes the rows' partials.
  void (*attention_prepare)(AttentionTile& tile);
  void (*attention_chunk)(const AttentionTile& tile);
  // running[r] = running[r] merged with partial[r], all [2 + value_dim]; then out = values / sum.
  void (*attention_merge)(float* const* running, const float* const* partial, int32_t rows,
                          int32_t value_dim);
  void (*attention_finish)(const float* running, int32_t head_dim, float* out);
  // Largest of [count] that is a number and its lowest index; -1 and -infinity where none is above
  // -infinity.
  int64_t (*arg_max)(const float* in, int64_t count, float* largest);
  // sums [count / 512, rounded up] of each run of 512.
  void (*run_sums)(const float* in, int64_t count, double* sums);
  // out = exp((in - largest) / temperature), 0 for what is not a number; sums [count / 512, rounded
  // up] of each run of 512.
  void (*exp_weights)(const float* in, int64_t count, float largest, float temperature, float* out,
                      double* sums);
  // The largest logits of `count`, [count / 512 rounded up, 16]: entry [run, lane] is the largest
  // of the run's elements lane, lane + 16, ...; -infinity where none is a number.
  void (*group_maxima)(const float* logits, int64_t count, float* out);
  // Keeps the tokens of a list whose logit is above `low` and at most `high` and whose weight is
  // above `weight_bar`, in order; returns how many. `ids` null: their places in the list. `out` may
  // be the list itself; its arrays have 16 places more than they need.
  int64_t (*keep_between)(const int32_t* ids, const float* logits, const float* weights,
                          int64_t count, float low, float high, float weight_bar,
                          const TokenList& out);
  // How many of the list have a logit of at least `least`, and the sum of their weights.
  int64_t (*mass_from)(const float* logits, const float* weights, int64_t count, float least,
                       double* mass);
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
// The same with AVX512-BF16 for attention.
const KernelTable* bfloat_kernels();

}  // namespace quire

#endif  // QUIRE_CPU_KERNEL_TABLE_H
