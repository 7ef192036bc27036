// Attention compiled for contiguous addressing gives the bits of the one that reads block tables:
// what `make paging-price` compares does the same work.
#include "contiguous.h"

#include "../cpu/attention.h"
#include "fixture.h"

using namespace fixture;

static constexpr int32_t kBlocks = 160;
static constexpr int32_t kUnmapped = 1 << 28;  // no block: reading it would end the process

struct Shape {
  int32_t heads, kv_heads, head_dim;
};

struct Sequences {
  Config config;
  std::vector<int32_t> length;
  std::vector<float> key, value;  // [tokens, kv_heads, head_dim], the same for every sequence

  std::vector<float> attend(quire_context* context, int32_t query_len,
                            const std::vector<std::vector<int32_t>>& tables,
                            const std::vector<float>& query) const {
    Plan plan(config.table_stride);
    for (size_t s = 0; s < length.size(); ++s) plan.add_sequence(length[s], query_len, tables[s]);
    std::vector<float> out(query.size());
    quire::attend(*context, 1, *plan.get(), query.data(), out.data());
    return out;
  }

  void write(quire_context* context, const std::vector<std::vector<int32_t>>& tables) const {
    for (size_t s = 0; s < length.size(); ++s) {
      std::vector<int64_t> slot;
      for (int32_t i = 0; i < length[s]; ++i)
        slot.push_back(int64_t{tables[s][static_cast<size_t>(i / 16)]} * 16 + i % 16);
      // Sequence s has the tokens from s on.
      const int64_t from = static_cast<int64_t>(s) * config.kv_heads * config.head_dim;
      CHECK(quire_op_cache_write(context, 1, length[s], slot.data(), key.data() + from,
                                 value.data() + from) == QUIRE_OK,
            "%s", quire_last_error());
    }
  }
};

static Config config_of(const Shape& shape, int32_t isa, int32_t type, int32_t threads,
                        int32_t window) {
  Config c = small_config();
  c.heads = shape.heads;
  c.kv_heads = shape.kv_heads;
  c.head_dim = shape.head_dim;
  c.isa = isa;
  c.cache_type = type;
  c.threads = threads;
  c.windows = {0, window};
  return c;
}

// Both sequences at once, over scattered blocks through tables and over runs without.
static void compare(const Sequences& sequences, int32_t query_len, Random& random) {
  Config config = sequences.config;
  Context c(config);
  quire::KernelTable over_runs;
  if (!contiguous::kernels_of(*c.context->kernels, over_runs)) return;
  const int64_t bytes = quire_block_bytes(c.context) * kBlocks;
  Aligned memory(bytes);
  memset(memory.data, 0xFF, static_cast<size_t>(bytes));  // not a number anywhere
  CHECK(quire_cache_open(c.context, kBlocks, memory.data) == QUIRE_OK, "%s", quire_last_error());
  std::vector<std::vector<int32_t>> scattered(2), runs(2), firsts(2);
  for (int32_t i = 0; i < 40; ++i) {
    scattered[0].push_back(79 - (i * 7 % 40) * 2);  // odd ones below 80
    scattered[1].push_back(78 - (i * 3 % 40) * 2);
    runs[0].push_back(80 + i);
    runs[1].push_back(120 + i);
    for (size_t s = 0; s < 2; ++s) firsts[s].push_back(i == 0 ? runs[s][0] : kUnmapped);
  }
  sequences.write(c.context, scattered);
  sequences.write(c.context, runs);
  const std::vector<float> query =
      random_floats(random, int64_t{2} * query_len * config.heads * config.head_dim, 3);
  const std::vector<float> paged = sequences.attend(c.context, query_len, scattered, query);
  c.context->kernels = &over_runs;
  const std::vector<float> run = sequences.attend(c.context, query_len, firsts, query);
  CHECK(same_bits(paged, run), "isa=%d, type=%d, threads=%d, lengths=%d %d, query=%d, window=%d",
        config.isa, config.cache_type, config.threads, sequences.length[0], sequences.length[1],
        query_len, config.windows[1]);
}

TEST(contiguousAttention_sameContents_hasTheBitsOfPaged) {
  Random random{31};
  for (int32_t isa : isas()) {
    for (int32_t type : {QUIRE_CACHE_F16, QUIRE_CACHE_BF16, QUIRE_CACHE_INT8}) {
      // 50 query heads of a KV head are more rows than a tile holds.
      for (const Shape& shape : {Shape{9, 3, 64}, {8, 2, 128}, {3, 1, 80}, {50, 1, 16}}) {
        const int64_t elements = int64_t{602} * shape.kv_heads * shape.head_dim;
        Sequences sequences = {
            {}, {}, random_floats(random, elements, 2), random_floats(random, elements)};
        for (int32_t threads : {1, 2}) {
          for (int32_t window : {0, 40, 300}) {
            sequences.config = config_of(shape, isa, type, threads, window);
            // 20 queries are several tiles.
            for (int32_t query_len : {1, 20}) {
              for (int32_t length : {20, 256, 257, 600}) {
                sequences.length = {length, 620 - length};
                compare(sequences, query_len, random);
              }
            }
          }
        }
      }
    }
  }
}

// It follows no table: over scattered blocks it reads others than a sequence's.
TEST(contiguousAttention_scatteredBlocks_readsWhatFollowsTheFirst) {
  Random random{32};
  for (int32_t isa : isas()) {
    const Shape shape = {4, 2, 32};
    const int64_t elements = int64_t{602} * 2 * 32;
    Config config = config_of(shape, isa, QUIRE_CACHE_F16, 1, 0);
    const Sequences sequences = {
        config, {64}, random_floats(random, elements, 2), random_floats(random, elements)};
    Context c(config);
    quire::KernelTable over_runs;
    if (!contiguous::kernels_of(*c.context->kernels, over_runs)) continue;
    Aligned memory(quire_block_bytes(c.context) * kBlocks);
    CHECK(quire_cache_open(c.context, kBlocks, memory.data) == QUIRE_OK, "%s", quire_last_error());
    sequences.write(c.context, {{5, 6, 7, 8}});
    sequences.write(c.context, {{5, 7, 6, 8}});
    const std::vector<float> query = random_floats(random, 4 * 32, 3);
    const std::vector<float> in_order = sequences.attend(c.context, 1, {{5, 6, 7, 8}}, query);
    const std::vector<float> swapped = sequences.attend(c.context, 1, {{5, 7, 6, 8}}, query);
    c.context->kernels = &over_runs;
    const std::vector<float> run = sequences.attend(c.context, 1, {{5, 7, 6, 8}}, query);
    CHECK(!same_bits(swapped, run) && same_bits(in_order, run), "isa=%d", isa);
  }
}
