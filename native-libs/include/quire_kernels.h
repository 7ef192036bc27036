// The kernel interface of Quire: plain C, no callbacks, implemented by every native backend.
//
// A context owns the model's shape, worker threads and scratch memory. Calls on one context come
// from one thread (it is worker 0 of the pool). Functions return QUIRE_OK or a negative status and
// never throw; quire_last_error() has the text. The calls of a step neither allocate nor log.
// Offsets are 64-bit.
//
// Life cycle: quire_open → quire_weight … → quire_bind → quire_cache_open → steps → quire_close.
// Step: quire_step_begin → quire_embed → per layer: quire_attention_input, quire_paged_attention,
// quire_attention_output, quire_feed_forward_gate, quire_feed_forward_down → quire_logits →
// quire_sample → quire_step_end.
//
// Names: T tokens, S sequences, R logit rows of the step; a block is QUIRE_PAGE_TOKENS slots of
// every layer.
#ifndef QUIRE_KERNELS_H
#define QUIRE_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_PAGE_TOKENS 16
#define QUIRE_TOP_LOGPROBS 20

// Statuses.
enum {
  QUIRE_OK = 0,
  QUIRE_INVALID_ARG = -1,
  QUIRE_OOM = -2,
  QUIRE_UNSUPPORTED_DTYPE = -3,
  QUIRE_UNSUPPORTED_SHAPE = -4,
  QUIRE_ISA_MISSING = -5,
  QUIRE_DEVICE_LOST = -6,
  QUIRE_DEVICE_FAULT = -7,
  QUIRE_TIMEOUT = -8,
  QUIRE_BUSY = -9,
};

// Instruction sets of the CPU backend, each a superset of the one before it; AUTO takes the best
// that the processor has. All give the same bits.
enum {
  QUIRE_ISA_AUTO = 0,
  QUIRE_ISA_SCALAR = 1,
  QUIRE_ISA_AVX2 = 2,    // with FMA and F16C
  QUIRE_ISA_AVX512 = 3,  // F, BW, VL, DQ
  QUIRE_ISA_VNNI = 4,    // AVX-512 with its VNNI
  QUIRE_ISA_AMX = 5,     // with tiles of int8
};

// Weight types: GGUF's numbers.
enum {
  QUIRE_F32 = 0,
  QUIRE_F16 = 1,
  QUIRE_Q4_0 = 2,
  QUIRE_Q4_1 = 3,
  QUIRE_Q5_0 = 6,
  QUIRE_Q5_1 = 7,
  QUIRE_Q8_0 = 8,
  QUIRE_Q2_K = 10,
  QUIRE_Q3_K = 11,
  QUIRE_Q4_K = 12,
  QUIRE_Q5_K = 13,
  QUIRE_Q6_K = 14,
  QUIRE_IQ4_NL = 20,
  QUIRE_BF16 = 30,
  QUIRE_MXFP4 = 39,
};

// How rows are normalised: x / sqrt(mean(x²) + epsilon) · weight (Zhang and Sennrich, 2019), or
// (x - mean(x)) / sqrt(variance(x) + epsilon) · weight + bias (Ba et al., 2016).
enum { QUIRE_NORM_RMS = 0, QUIRE_NORM_LAYER = 1 };

// The hidden layer from g = gate · n and u = up · n: silu(g) · u, gelu(g) · u, or gelu(u) without a
// gate; gelu by its tanh approximation (Hendrycks and Gimpel, 2016).
enum { QUIRE_GATED_SILU = 0, QUIRE_GATED_GELU = 1, QUIRE_GELU = 2 };

// Elements of a head that a rotary embedding turns together: 2i and 2i + 1, or i and i + dim / 2.
enum { QUIRE_PAIRS_ADJACENT = 0, QUIRE_PAIRS_HALVES = 1 };

// How the cache keeps keys and values. F16 and BF16: 16 bits an element, multiplied as float32 and
// as bfloat16; INT8: 8 bits, with a scale for each token and head. AUTO is the kernels' choice.
enum { QUIRE_CACHE_AUTO = 0, QUIRE_CACHE_F16 = 1, QUIRE_CACHE_BF16 = 2, QUIRE_CACHE_INT8 = 3 };

// Ids of quire_bind: per layer, and of the model.
#define QUIRE_LAYER_WEIGHTS 22
#define QUIRE_MODEL_WEIGHTS 5

typedef struct quire_context quire_context;

// Arrays are read by quire_open and not needed after it.
typedef struct quire_config {
  // Model shape; heads is a multiple of kv_heads, head_dim even and at most 512.
  int32_t layers, embedding, feed_forward, vocabulary;
  int32_t heads, kv_heads, head_dim;
  int32_t context_length;  // positions 0 … context_length - 1
  int32_t norm;            // QUIRE_NORM_*, of every norm but those over a head, which are RMS
  float norm_epsilon;
  int32_t activation;     // QUIRE_GATED_SILU …
  float embedding_scale;  // factor of an embedding row as it enters the residual stream
  float attention_scale;  // factor of query · key
  // Rotary embeddings (Su et al., 2021, section 3.4.2): at position p, pair i of a head's leading
  // rope_dim elements turns by p · inverse_frequency[i], worked out in double precision, and is
  // multiplied by the magnitude.
  int32_t ropes;
  const int32_t* rope_pairs;       // [ropes] QUIRE_PAIRS_*
  const int32_t* rope_dim;         // [ropes] even, at most head_dim
  const float* rope_magnitude;     // [ropes]
  const float* inverse_frequency;  // rope after rope: rope_dim / 2 each
  const int32_t* layer_rope;       // [layers] index of a rope; -1 = none
  const int32_t* layer_window;     // [layers] positions that a token attends to, its own included;
                                   // 0 = all before it
  // Most of each in one step.
  int32_t max_tokens, max_seqs, max_rows;
  int32_t table_stride;  // entries of one block table row
  // Backend.
  int32_t threads;     // 0 = quire_cores(), one less from four on
  int32_t isa;         // QUIRE_ISA_*
  int32_t cache_type;  // QUIRE_CACHE_*
} quire_config;

// One step, mirrored field for field by dev.quire.kernel.Batch. Arrays are the caller's and stay in
// place.
typedef struct quire_plan {
  int32_t tokens, seqs, rows;       // T, S, R
  const int32_t* token;             // [T] token id
  const int32_t* position;          // [T] position in its sequence
  const int64_t* slot;              // [T] block * QUIRE_PAGE_TOKENS + offset; -1 writes nothing
  const int32_t* query_start;       // [S + 1] first token of each sequence, then T
  const int32_t* context_len;       // [S] tokens of the sequence after this step
  const int32_t* block_table;       // [S, table_stride] physical blocks in position order
  const int32_t* logit_row;         // [R] index into T
  const float* temperature;         // [R] 0 = greedy
  const float* top_p;               // [R] in (0, 1], 1 = off
  const float* min_p;               // [R] in [0, 1], 0 = off
  const int32_t* top_k;             // [R] 0 = off
  const float* presence_penalty;    // [R] 0 = off
  const float* frequency_penalty;   // [R] 0 = off
  const float* repetition_penalty;  // [R] 1 = off
  const int64_t* seed;              // [R]
  const int64_t* counter;           // [R] the draw depends on (seed, counter) alone
  const int32_t* history_start;     // [R] into history
  const int32_t* prompt_len;        // [R] leading history tokens that are prompt
  const int32_t* history_len;       // [R] 0 where no penalty is on
  const int32_t* bias_start;        // [R] into bias_token, bias_value
  const int32_t* bias_len;          // [R]
  const int32_t* logprobs;          // [R] alternatives wanted, 0 … QUIRE_TOP_LOGPROBS; -1 = none
  const int32_t* scored_token;      // [R] token to score instead of sampling; -1 = sample
  const int32_t* history;           // token ids
  const int32_t* bias_token;        // distinct within a row
  const float* bias_value;
  int32_t* out_token;  // [R] chosen token; -1 where no logit is a number
  float* out_logprob;  // [R] natural log-probability of the chosen or scored token, before bias and
                       // penalties
  int32_t* top_token;  // [R, QUIRE_TOP_LOGPROBS] most likely first, ties to the lowest id
  float* top_logprob;  // [R, QUIRE_TOP_LOGPROBS]
} quire_plan;

// Text of the last error on this thread: "what must hold: name=value, name=value". Never null.
const char* quire_last_error(void);

// The instruction set that `isa` selects on this machine, or QUIRE_ISA_MISSING; quire_last_error
// then says what the processor lacks and what it could run.
int32_t quire_isa(int32_t isa);

// Physical cores that this process may use: those in its affinity mask, and no more than the
// processors' worth of time that its control groups allow (rounded up); >= 1.
int32_t quire_cores(void);

// Page-aligned host memory, not yet touched; a multiple of 64 bytes is reserved. OOM where there is
// none.
int32_t quire_host_alloc(int64_t bytes, void** memory);
int32_t quire_host_free(void* memory, int64_t bytes);

// Moves a mapped file's bytes (and any other read-only memory's) to large pages, in place and while
// others read: as much as lies whole in pages of 2 MiB. Returns how many bytes it moved; 0 where
// the system gives no large pages, less than all where memory ran out; INVALID_ARG for no range.
int64_t quire_large_pages(const void* memory, int64_t bytes);

// Guards memory that is a mapped file against the file's becoming shorter: a read behind the new
// end finds zeros from then on, where it would have ended the process. Returns the guard's number
// (>= 0) or a negative status; at most 256 guards at a time, in the process. Take it back before
// the file is unmapped.
int32_t quire_guard(const void* memory, int64_t bytes);
// 1 once such a read has happened, else 0; a negative status where there is no such guard.
int32_t quire_guard_lost(int32_t guard);
int32_t quire_unguard(int32_t guard);

int32_t quire_open(const quire_config* config, quire_context** context);
int32_t quire_close(quire_context* context);
// The instruction set and thread count in use.
int32_t quire_context_isa(const quire_context* context);
int32_t quire_context_threads(const quire_context* context);

// The number of the layout that quire_pack writes for an instruction set: packed bytes are kept in
// files, and those of another number are of no use. Changes with every change of any layout.
int32_t quire_pack_layout(int32_t isa);
// Bytes of a packed weight, or a negative status. `rows`, `cols`: of the matrix; cols is a multiple
// of the type's block.
int64_t quire_packed_bytes(int32_t type, int64_t rows, int64_t cols);
// Packs `src` (GGUF's row-major layout) into `dst` (64-byte aligned, quire_packed_bytes long).
// Lossless, and the same bytes on every processor. Every 16 rows are packed by themselves, one
// behind the other: rows [16 i, 16 j) alone give the same bytes.
int32_t quire_pack(int32_t type, int64_t rows, int64_t cols, const void* src, void* dst);
// Registers a packed weight without copying; returns its id (>= 0) or a negative status.
int32_t quire_weight(quire_context* context, int32_t type, int64_t rows, int64_t cols,
                     const void* packed);

// The model's weights by id; -1 = the model has none. Shapes are checked here once.
//   layer_weights [layers, QUIRE_LAYER_WEIGHTS]: attention norm, its bias, query, its bias, key,
//     its bias, value, its bias, query norm, key norm (both [1, head_dim], over each head), output,
//     its bias, post-attention norm, feed-forward norm, its bias, gate, its bias, up, its bias,
//     down, its bias, post-feed-forward norm
//   model_weights [QUIRE_MODEL_WEIGHTS]: embedding, position embedding [at least context_length,
//     embedding], output norm, its bias, output head
int32_t quire_bind(quire_context* context, const int32_t* layer_weights,
                   const int32_t* model_weights);

// The type of the cache in use.
int32_t quire_context_cache_type(const quire_context* context);
// Bytes of one block: keys and values of all layers.
int64_t quire_block_bytes(const quire_context* context);
// The pool: `memory` (64-byte aligned) holds `blocks` blocks.
int32_t quire_cache_open(quire_context* context, int64_t blocks, void* memory);
// Copies blocks, all layers: src[i] → dst[i]. No dst is a src, or another dst, of the same call.
int32_t quire_block_copy(quire_context* context, int32_t count, const int32_t* src,
                         const int32_t* dst);

// The swap space: `memory` (64-byte aligned, quire_block_bytes a slot) holds `slots` blocks outside the pool.
int32_t quire_swap_open(quire_context* context, int64_t slots, void* memory);
// Begins to copy block[i] → slot[i], all layers, or back. No block and no slot may be used until `ticket` is done.
int32_t quire_swap_out(quire_context* context, int32_t count, const int32_t* block,
                       const int32_t* slot, int64_t* ticket);
int32_t quire_swap_in(quire_context* context, int32_t count, const int32_t* slot,
                      const int32_t* block, int64_t* ticket);
// 1 if the copies of `ticket`, and of all before it, are done; else 0. On a CPU they always are.
int32_t quire_swap_done(quire_context* context, int64_t ticket);

// Brackets one step. Begin checks the whole plan before anything is written.
int32_t quire_step_begin(quire_context* context, const quire_plan* plan);
int32_t quire_step_end(quire_context* context);

// The fused operations; x is the residual stream [T, embedding]. What the model has no weights for
// falls away.
//   embed              x = embedding[token] · embedding_scale + position embedding[position]
//   attention_input    n = norm(x); q, k, v = products with n + biases; q and k normalised by head
//   and
//                      rotated; k and v into the cache
//   paged_attention    a = attention(q, cache) within the layer's window
//   attention_output   x += norm(output · a + bias)
//   feed_forward_gate  h = activation(gate · n + bias, up · n + bias), n = norm(x)
//   feed_forward_down  x += norm(down · h + bias)
//   logits             logits[R] = head · norm(x)
//   sample             tokens and log-probabilities
int32_t quire_embed(quire_context* context);
int32_t quire_attention_input(quire_context* context, int32_t layer);
int32_t quire_paged_attention(quire_context* context, int32_t layer);
int32_t quire_attention_output(quire_context* context, int32_t layer);
int32_t quire_feed_forward_gate(quire_context* context, int32_t layer);
int32_t quire_feed_forward_down(quire_context* context, int32_t layer);
int32_t quire_logits(quire_context* context);
int32_t quire_sample(quire_context* context);

// Logits [R, vocabulary] of the last step, valid until the next; row stride is the vocabulary.
const float* quire_logits_data(const quire_context* context);

// Stand-alone operations on the caller's arrays, for parity tests and benchmarks.
//   in  [tokens, cols] float32; out [tokens, rows] float32, written
int32_t quire_op_matmul(quire_context* context, int32_t weight, int32_t tokens, const float* in,
                        float* out);
//   in, out [tokens, cols] float32; weight [cols] float32
int32_t quire_op_rms_norm(quire_context* context, int32_t tokens, int32_t cols, float epsilon,
                          const float* weight, const float* in, float* out);
//   the same with the mean taken out first; bias [cols] float32 or null
int32_t quire_op_layer_norm(quire_context* context, int32_t tokens, int32_t cols, float epsilon,
                            const float* weight, const float* bias, const float* in, float* out);
//   data [tokens, heads, head_dim] float32, rotated in place by rope `rope` at `position` [tokens]
int32_t quire_op_rope(quire_context* context, int32_t rope, int32_t tokens, int32_t heads,
                      const int32_t* position, float* data);
//   gate, up, out [count] float32: out = the hidden layer; gate is not read where `activation` has
//   none
int32_t quire_op_activation(quire_context* context, int32_t activation, int64_t count,
                            const float* gate, const float* up, float* out);
//   key, value [tokens, kv_heads, head_dim] float32 into `layer` of the cache at slot [tokens]
int32_t quire_op_cache_write(quire_context* context, int32_t layer, int32_t tokens,
                             const int64_t* slot, const float* key, const float* value);
//   query, out [T, heads, head_dim] float32; plan as for a step (only its tables are read); the
//   window is that of `layer`
int32_t quire_op_paged_attention(quire_context* context, int32_t layer, const quire_plan* plan,
                                 const float* query, float* out);
//   logits [R, vocabulary] float32, with R and the sampling arrays of `plan`; not changed
int32_t quire_op_sample(quire_context* context, const quire_plan* plan, const float* logits);

#ifdef __cplusplus
}
#endif

#endif  // QUIRE_KERNELS_H
