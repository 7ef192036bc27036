// What it costs to find pages through a block table: decode attention by the library's kernels and
// by the same source compiled for contiguous addressing, over the same memory.
//
//   paging_bench pairs ISA TYPE HEADS KV_HEADS HEAD_DIM CONTEXT SEQS THREADS PAIRS
//   paging_bench paged|contiguous ISA TYPE HEADS KV_HEADS HEAD_DIM CONTEXT
//
// ISA and TYPE as in quire_kernels.h. `pairs` prints the instruction set in use, the calls of a
// sample, and PAIRS lines "ORDER PAGED CONTIGUOUS", nanoseconds a call, for each order of blocks:
// "ordered", where both go through the same run of blocks, and "scattered", where the paged one's
// lie anywhere in the pool. A pair's two samples follow each other, and which comes first
// alternates. The other commands do little else than one call, quire::attend: for counting its
// instructions. bench/paging_price.py runs all.
#include <math.h>
#include <string.h>

#include <utility>
#include <vector>

#include "../cpu/attention.h"
#include "bench.h"
#include "contiguous.h"

using bench::must;
using bench::now;

static constexpr double kSampleSeconds = 3e-3;

// splitmix64 (Steele et al., 2014).
static uint64_t next(uint64_t& state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

static std::vector<float> random_floats(uint64_t seed, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out)
    value = static_cast<float>(static_cast<int64_t>(next(seed) >> 40)) / 8388608.0f - 1;
  return out;
}

struct Case {
  int32_t isa, type, heads, kv_heads, head_dim, length, seqs, threads;
};

// One layer, a query of one token for each sequence, and a pool that their contexts fill.
class Decode {
 public:
  explicit Decode(const Case& c) : case_(c), blocks_(c.seqs * table_stride()) {
    open();
    paged = context_->kernels;
    if (!contiguous::kernels_of(*paged, contiguous)) {
      fprintf(stderr, "instruction set must have contiguous attention: isa=%d\n", isa());
      exit(1);
    }
    fill();
    query_ = random_floats(3, int64_t{c.seqs} * c.heads * c.head_dim);
    out_.resize(query_.size());
    for (int32_t s = 0; s < c.seqs; ++s) {
      position_.push_back(c.length - 1);
      query_start_.push_back(s);
      context_len_.push_back(c.length);
    }
    query_start_.push_back(c.seqs);
    for (int32_t i = 0; i < blocks_; ++i) ordered.push_back(i);
    scattered = ordered;
    uint64_t state = 4;
    for (int32_t i = blocks_ - 1; i > 0; --i)
      std::swap(scattered[static_cast<size_t>(i)],
                scattered[next(state) % static_cast<uint64_t>(i + 1)]);
  }
  ~Decode() {
    quire_close(context_);
    quire_host_free(memory_, bytes_);
  }
  Decode(const Decode&) = delete;
  Decode& operator=(const Decode&) = delete;

  int32_t isa() const { return quire_context_isa(context_); }

  const std::vector<float>& attend(const quire::KernelTable& kernels,
                                   const std::vector<int32_t>& table) {
    quire_plan plan = {};
    plan.tokens = plan.seqs = case_.seqs;
    plan.position = position_.data();
    plan.query_start = query_start_.data();
    plan.context_len = context_len_.data();
    plan.block_table = table.data();
    context_->kernels = &kernels;
    quire::attend(*context_, 0, plan, query_.data(), out_.data());
    return out_;
  }

  const quire::KernelTable* paged;
  quire::KernelTable contiguous;
  std::vector<int32_t> ordered, scattered;  // block tables [seqs, table_stride]

 private:
  int32_t table_stride() const { return (case_.length + 15) / 16; }

  void open() {
    const int32_t no_rope = -1;
    const int32_t no_window = 0;
    quire_config config = {};
    config.layers = 1;
    config.embedding = case_.heads * case_.head_dim;
    config.feed_forward = 32;
    config.vocabulary = 32;
    config.heads = case_.heads;
    config.kv_heads = case_.kv_heads;
    config.head_dim = case_.head_dim;
    config.context_length = case_.length;
    config.norm_epsilon = 1e-5f;
    config.embedding_scale = 1;
    config.attention_scale = 1 / sqrtf(static_cast<float>(case_.head_dim));
    config.layer_rope = &no_rope;
    config.layer_window = &no_window;
    config.max_tokens = config.max_seqs = config.max_rows = case_.seqs;
    config.table_stride = table_stride();
    config.threads = case_.threads;
    config.isa = case_.isa;
    config.cache_type = case_.type;
    must(quire_open(&config, &context_));
  }

  void fill() {
    bytes_ = blocks_ * quire_block_bytes(context_);
    must(quire_host_alloc(bytes_, &memory_));
    must(quire_cache_open(context_, blocks_, memory_));
    const int64_t count = int64_t{case_.kv_heads} * case_.head_dim * kBlockTokens;
    const std::vector<float> key = random_floats(1, count * kFillBlocks);
    const std::vector<float> value = random_floats(2, count * kFillBlocks);
    for (int64_t block = 0; block < blocks_; ++block) {
      int64_t slot[kBlockTokens];
      for (int64_t i = 0; i < kBlockTokens; ++i) slot[i] = block * kBlockTokens + i;
      const int64_t from = block % kFillBlocks * count;
      must(quire_op_cache_write(context_, 0, kBlockTokens, slot, key.data() + from,
                                value.data() + from));
    }
  }

  static constexpr int32_t kBlockTokens = 16;
  static constexpr int64_t kFillBlocks = 67;  // different ones

  const Case case_;
  const int32_t blocks_;
  quire_context* context_;
  void* memory_;
  int64_t bytes_;
  std::vector<float> query_, out_;
  std::vector<int32_t> position_, query_start_, context_len_;
};

// Nanoseconds a call, the caches as a call of the same kind left them.
static double sample(Decode& decode, const quire::KernelTable& kernels,
                     const std::vector<int32_t>& table, int calls) {
  decode.attend(kernels, table);
  const double start = now();
  for (int i = 0; i < calls; ++i) decode.attend(kernels, table);
  return (now() - start) / calls * 1e9;
}

static void check_bits(Decode& decode) {
  const std::vector<float> paged = decode.attend(*decode.paged, decode.ordered);
  const std::vector<float>& run = decode.attend(decode.contiguous, decode.ordered);
  if (memcmp(paged.data(), run.data(), paged.size() * sizeof(float)) == 0) return;
  fprintf(stderr, "paged and contiguous attention must have the same bits: isa=%d\n", decode.isa());
  exit(1);
}

static void pairs(const Case& c, int count) {
  Decode decode(c);
  check_bits(decode);
  double once = 1e12;
  for (int i = 0; i < 5; ++i) once = fmin(once, sample(decode, *decode.paged, decode.ordered, 1));
  const int calls = static_cast<int>(kSampleSeconds * 1e9 / once) + 1;
  printf("isa=%d calls=%d\n", decode.isa(), calls);
  for (const bool in_order : {true, false}) {
    const std::vector<int32_t>& table = in_order ? decode.ordered : decode.scattered;
    for (int i = 0; i < count; ++i) {
      double nanos[2];  // paged, contiguous
      for (const int turn : {i % 2, 1 - i % 2}) {
        nanos[turn] = turn == 0 ? sample(decode, *decode.paged, table, calls)
                                : sample(decode, decode.contiguous, decode.ordered, calls);
      }
      printf("%s %.0f %.0f\n", in_order ? "ordered" : "scattered", nanos[0], nanos[1]);
    }
  }
}

int main(int count, char** arguments) {
  const char* command = count > 1 ? arguments[1] : "";
  int32_t number[9] = {0, 0, 0, 0, 0, 0, 1, 1, 0};
  const int wanted = strcmp(command, "pairs") == 0 ? 11 : 8;
  for (int i = 2; i < count && i < 11; ++i) number[i - 2] = atoi(arguments[i]);
  const Case c = {number[0], number[1], number[2], number[3],
                  number[4], number[5], number[6], number[7]};
  if (count != wanted || c.head_dim < 1 || c.length < 1 || c.seqs < 1) {
    fprintf(stderr, "usage: the head of test/paging_bench.cpp says it: arguments=%d\n", count - 1);
    return 2;
  }
  if (strcmp(command, "pairs") == 0) {
    pairs(c, number[8]);
    return 0;
  }
  Decode decode(c);
  decode.attend(strcmp(command, "paged") == 0 ? *decode.paged : decode.contiguous, decode.ordered);
  return 0;
}
