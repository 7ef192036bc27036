// Cache writes and paged attention against double-precision loops over float16 keys and values.
#include <sys/mman.h>

#include <utility>

#include "fixture.h"

using namespace fixture;

static constexpr int32_t kBlocks = 120;

struct Model {
  Config config;
  std::vector<float> key, value;  // [tokens, kv_heads, head_dim] of one sequence
};

static Config attention_config(int32_t isa, int32_t threads, int32_t heads, int32_t kv_heads,
                               int32_t head_dim) {
  Config c = small_config();
  c.isa = isa;
  c.threads = threads;
  c.heads = heads;
  c.kv_heads = kv_heads;
  c.head_dim = head_dim;
  c.attention_scale = 1 / sqrtf(static_cast<float>(head_dim));
  return c;
}

// A pool full of NaN, with a context over it.
struct Pool {
  explicit Pool(const Config& config)
      : c(config), bytes(quire_block_bytes(c.context) * kBlocks), memory(bytes) {
    memset(memory.data, 0xFF, static_cast<size_t>(bytes));
    CHECK(quire_cache_open(c.context, kBlocks, memory.data) == QUIRE_OK, "%s", quire_last_error());
  }
  void write(const Model& m, int32_t length, const std::vector<int32_t>& blocks) {
    std::vector<int64_t> slot;
    for (int32_t i = 0; i < length; ++i)
      slot.push_back(int64_t{blocks[static_cast<size_t>(i / 16)]} * 16 + i % 16);
    CHECK(quire_op_cache_write(c.context, 1, length, slot.data(), m.key.data(), m.value.data()) ==
              QUIRE_OK,
          "%s", quire_last_error());
  }
  std::vector<float> attend(Plan& plan, const std::vector<float>& query) {
    std::vector<float> out(query.size());
    CHECK(quire_op_paged_attention(c.context, 1, plan.get(), query.data(), out.data()) == QUIRE_OK,
          "%s", quire_last_error());
    return out;
  }
  Context c;
  int64_t bytes;
  Aligned memory;
};

static std::vector<int32_t> table(Random& random, bool permuted) {
  std::vector<int32_t> blocks(40);
  for (int32_t i = 0; i < 40; ++i) blocks[static_cast<size_t>(i)] = permuted ? 119 - i * 3 : i;
  for (int32_t i = 39; permuted && i > 0; --i)
    std::swap(blocks[static_cast<size_t>(i)], blocks[static_cast<size_t>(random.below(i + 1))]);
  return blocks;
}

static Model random_model(Random& random, const Config& config) {
  Model m = {config, {}, {}};
  m.key = random_floats(random, int64_t{600} * config.kv_heads * config.head_dim, 2);
  m.value = random_floats(random, int64_t{600} * config.kv_heads * config.head_dim);
  return m;
}

static double half_of(const std::vector<float>& in, int64_t index) {
  return half_to_float(float_to_half(in[static_cast<size_t>(index)]));
}

// `out` and `query` [heads, head_dim] of a token that sees positions from ... limit - 1.
static void check_token(const Model& m, int32_t limit, const float* query, const float* out,
                        int32_t from = 0) {
  const int32_t d = m.config.head_dim;
  for (int32_t head = 0; head < m.config.heads; ++head) {
    const int32_t kv = head / (m.config.heads / m.config.kv_heads);
    std::vector<double> weight(static_cast<size_t>(limit));
    double largest = -INFINITY;
    for (int32_t i = from; i < limit; ++i) {
      double score = 0;
      for (int32_t e = 0; e < d; ++e)
        score +=
            query[head * d + e] * half_of(m.key, (int64_t{i} * m.config.kv_heads + kv) * d + e);
      weight[static_cast<size_t>(i)] = score * m.config.attention_scale;
      largest = fmax(largest, weight[static_cast<size_t>(i)]);
    }
    double total = 0;
    for (size_t i = static_cast<size_t>(from); i < weight.size(); ++i)
      total += weight[i] = exp(weight[i] - largest);
    for (int32_t e = 0; e < d; ++e) {
      double expected = 0;
      for (int32_t i = from; i < limit; ++i)
        expected += weight[static_cast<size_t>(i)] *
                    half_of(m.value, (int64_t{i} * m.config.kv_heads + kv) * d + e);
      expected /= total;
      // Scores err by d roundings of about sqrt(d), sums by limit / 2; values are at most 1.
      const double bound = 6e-8 * (8 + 2 * d + limit / 4.0);
      CHECK(fabs(out[head * d + e] - expected) <= bound,
            "limit=%d, heads=%d/%d, d=%d, e=%d, got=%g, expected=%g", limit, m.config.heads,
            m.config.kv_heads, d, e, static_cast<double>(out[head * d + e]), expected);
    }
  }
}

TEST(pagedAttention_everyLength_agreesWithDouble) {
  for (int32_t isa : isas()) {
    for (int32_t query_len : {1, 2, 16, 17}) {
      Random random{8};
      const Config config = attention_config(isa, 2, 6, 2, 32);
      const Model m = random_model(random, config);
      const std::vector<int32_t> blocks = table(random, true);
      for (int32_t length : {1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 511, 512, 513}) {
        if (length < query_len) continue;
        Pool pool(config);
        pool.write(m, length, blocks);
        Plan plan(config.table_stride);
        plan.add_sequence(length, query_len, blocks);
        const std::vector<float> query = random_floats(random, int64_t{query_len} * 6 * 32, 3);
        const std::vector<float> out = pool.attend(plan, query);
        for (int32_t t = 0; t < query_len; ++t) {
          check_token(m, length - query_len + t + 1, query.data() + t * 6 * 32,
                      out.data() + t * 6 * 32);
        }
      }
    }
  }
}

TEST(pagedAttention_everyHeadShape_agreesWithDoubleAndVariants) {
  struct Shape {
    int32_t heads, kv_heads, head_dim;
  };
  const Shape shapes[] = {{2, 2, 64}, {4, 2, 80}, {3, 1, 96},  {4, 1, 128}, {7, 1, 16}, {16, 2, 32},
                          {9, 3, 64}, {2, 1, 8},  {3, 3, 20},  {16, 1, 16}, {9, 1, 32}, {17, 1, 16},
                          {32, 1, 8}, {5, 5, 40}, {8, 1, 112}, {4, 1, 256}, {3, 1, 512}};
  for (const Shape& shape : shapes) {
    std::vector<float> first;
    for (int32_t isa : isas()) {
      Random random{9};
      const Config config = attention_config(isa, 1, shape.heads, shape.kv_heads, shape.head_dim);
      const Model m = random_model(random, config);
      const std::vector<int32_t> blocks = table(random, false);
      Pool pool(config);
      pool.write(m, 270, blocks);
      Plan plan(config.table_stride);
      plan.add_sequence(270, 5, blocks);
      const int32_t width = shape.heads * shape.head_dim;
      const std::vector<float> query = random_floats(random, 5 * width, 3);
      const std::vector<float> out = pool.attend(plan, query);
      for (int32_t t = 0; t < 5; ++t)
        check_token(m, 266 + t, query.data() + t * width, out.data() + t * width);
      if (first.empty()) first = out;
      CHECK(same_bits(first, out), "variants differ: isa=%d, head_dim=%d", isa, shape.head_dim);
    }
  }
}

TEST(pagedAttention_blocksMatesCutsThreads_doNotChangeBits) {
  for (int32_t isa : isas()) {
    Random random{10};
    const Model m = random_model(random, attention_config(isa, 1, 6, 2, 32));
    const Model other = random_model(random, m.config);
    const std::vector<float> query = random_floats(random, 20 * 6 * 32, 3);
    const std::vector<float> mates = random_floats(random, 3 * 6 * 32, 3);
    std::vector<float> expected;
    for (int32_t threads : {1, 2, 4}) {
      Config config = m.config;
      config.threads = threads;
      for (bool permuted : {false, true}) {
        Pool pool(config);
        const std::vector<int32_t> blocks = table(random, permuted);
        pool.write(m, 530, blocks);
        Plan whole(config.table_stride);
        whole.add_sequence(530, 20, blocks);
        const std::vector<float> out = pool.attend(whole, query);
        if (expected.empty()) expected = out;
        CHECK(same_bits(out, expected), "isa=%d, threads=%d, permuted=%d", isa, threads, permuted);
        for (int32_t t = 0; t < 20; ++t) {
          Plan one(config.table_stride);
          one.add_sequence(511 + t, 1, blocks);
          const std::vector<float> alone = pool.attend(
              one, std::vector<float>(query.begin() + t * 192, query.begin() + (t + 1) * 192));
          CHECK(memcmp(alone.data(), expected.data() + t * 192, 192 * 4) == 0,
                "isa=%d, threads=%d, t=%d alone", isa, threads, t);
        }
      }
      Pool pool(config);
      std::vector<int32_t> mate_blocks(40);
      std::vector<int32_t> blocks(40);
      for (int32_t i = 0; i < 40; ++i) mate_blocks[static_cast<size_t>(i)] = 2 * i + 1;
      for (int32_t i = 0; i < 40; ++i) blocks[static_cast<size_t>(i)] = 2 * i;
      pool.write(m, 530, blocks);
      pool.write(other, 40, mate_blocks);
      Plan mixed(config.table_stride);
      mixed.add_sequence(40, 3, mate_blocks);
      mixed.add_sequence(530, 20, blocks);
      std::vector<float> both = mates;
      both.insert(both.end(), query.begin(), query.end());
      const std::vector<float> out = pool.attend(mixed, both);
      CHECK(memcmp(out.data() + 3 * 192, expected.data(), expected.size() * 4) == 0,
            "mates: isa=%d, threads=%d", isa, threads);
    }
  }
}

// What lies before the window is NaN, and blocks that lie there whole are not even the sequence's.
TEST(pagedAttention_everyWindow_agreesWithDoubleAndReadsNothingBeforeIt) {
  for (int32_t isa : isas()) {
    for (int32_t window : {1, 2, 15, 16, 17, 255, 256, 257, 400, 599, 600, 700}) {
      Random random{15};
      Config config = attention_config(isa, 2, 6, 2, 32);
      config.windows = {0, window};
      const Model m = random_model(random, config);
      const std::vector<int32_t> blocks = table(random, true);
      for (int32_t query_len : {1, 5, 17}) {
        for (int32_t length : {17, 255, 256, 257, 272, 273, 513, 600}) {
          const int32_t from = length - query_len + 1 - window;  // of the first query row
          Model broken = m;
          for (int32_t i = 0; i < from * 2 * 32; ++i)
            broken.key[static_cast<size_t>(i)] = broken.value[static_cast<size_t>(i)] = NAN;
          std::vector<int32_t> own = blocks;
          for (int32_t i = 0; i < from / 16; ++i) own[static_cast<size_t>(i)] = 118;
          Pool pool(config);
          pool.write(broken, length, own);
          Plan plan(config.table_stride);
          plan.add_sequence(length, query_len, own);
          const std::vector<float> query = random_floats(random, int64_t{query_len} * 6 * 32, 3);
          const std::vector<float> out = pool.attend(plan, query);
          for (int32_t t = 0; t < query_len; ++t) {
            const int32_t first = from + t > 0 ? from + t : 0;
            check_token(m, length - query_len + t + 1, query.data() + t * 192, out.data() + t * 192,
                        first);
          }
        }
      }
    }
  }
}

TEST(pagedAttention_windowOverBlocksMatesCutsThreads_doesNotChangeBits) {
  for (const auto& [heads, kv_heads] : {std::pair{6, 2}, {10, 1}}) {
    for (int32_t window : {1, 16, 40, 255, 257, 300}) {
      std::vector<float> expected;
      for (int32_t isa : isas()) {
        Random random{16};
        const Model m = random_model(random, attention_config(isa, 1, heads, kv_heads, 32));
        const Model other = random_model(random, m.config);
        const int32_t width = heads * 32;
        const std::vector<float> query = random_floats(random, 30 * width, 3);
        const std::vector<float> mates = random_floats(random, 3 * width, 3);
        for (int32_t threads : {1, 2, 4}) {
          Config config = m.config;
          config.threads = threads;
          config.windows = {0, window};
          Pool pool(config);
          const std::vector<int32_t> blocks = table(random, true);
          pool.write(m, 530, blocks);
          Plan whole(config.table_stride);
          whole.add_sequence(530, 30, blocks);
          const std::vector<float> out = pool.attend(whole, query);
          if (expected.empty()) expected = out;
          CHECK(same_bits(out, expected), "isa=%d, threads=%d, window=%d", isa, threads, window);
          for (int32_t t = 0; t < 30; ++t) {
            Plan one(config.table_stride);
            one.add_sequence(501 + t, 1, blocks);
            const std::vector<float> alone = pool.attend(
                one,
                std::vector<float>(query.begin() + t * width, query.begin() + (t + 1) * width));
            CHECK(memcmp(alone.data(), expected.data() + t * width, alone.size() * 4) == 0,
                  "isa=%d, threads=%d, window=%d, t=%d alone", isa, threads, window, t);
          }
          Plan mixed(config.table_stride);
          const std::vector<int32_t> mate_blocks = {117, 118, 115};  // not of the permuted table
          pool.write(other, 40, mate_blocks);
          mixed.add_sequence(40, 3, mate_blocks);
          mixed.add_sequence(530, 30, blocks);
          std::vector<float> both = mates;
          both.insert(both.end(), query.begin(), query.end());
          const std::vector<float> mixed_out = pool.attend(mixed, both);
          CHECK(memcmp(mixed_out.data() + 3 * width, expected.data(), expected.size() * 4) == 0,
                "mates: isa=%d, threads=%d, window=%d", isa, threads, window);
        }
      }
    }
  }
}

TEST(cacheWrite_slotMinusOne_writesNothing) {
  for (int32_t isa : isas()) {
    const Config config = attention_config(isa, 1, 6, 2, 20);
    Pool pool(config);
    Random random{11};
    const Model m = random_model(random, config);
    const int64_t none[] = {-1, -1};
    CHECK(
        quire_op_cache_write(pool.c.context, 0, 2, none, m.key.data(), m.value.data()) == QUIRE_OK,
        "status");
    const uint8_t* bytes = static_cast<const uint8_t*>(pool.memory.data);
    int64_t written = 0;
    for (int64_t i = 0; i < pool.bytes; ++i) written += bytes[i] != 0xFF;
    CHECK(written == 0, "isa=%d, written=%ld", isa, written);
    const int64_t one[] = {35, -1};
    CHECK(quire_op_cache_write(pool.c.context, 1, 2, one, m.key.data(), m.value.data()) == QUIRE_OK,
          "status");
    for (int64_t i = 0; i < pool.bytes / 2; ++i)
      written += reinterpret_cast<const uint16_t*>(bytes)[i] != 0xFFFF;
    CHECK(written == 2 * 2 * 20, "isa=%d, written=%ld", isa, written);
    const int64_t outside[] = {int64_t{kBlocks} * 16, 0};
    CHECK(quire_op_cache_write(pool.c.context, 1, 2, outside, m.key.data(), m.value.data()) ==
              QUIRE_INVALID_ARG,
          "outside");
  }
}

TEST(blockCopy_thenDiverge_leavesTheSource) {
  const Config config = attention_config(QUIRE_ISA_AUTO, 1, 6, 2, 32);
  Pool pool(config);
  Random random{12};
  const Model m = random_model(random, config);
  const Model other = random_model(random, config);
  pool.write(m, 30, {3, 4});
  const int32_t src[] = {3, 4};
  const int32_t dst[] = {7, 8};
  CHECK(quire_block_copy(pool.c.context, 2, src, dst) == QUIRE_OK, "%s", quire_last_error());
  const std::vector<float> query = random_floats(random, 192);
  Plan source(config.table_stride);
  source.add_sequence(30, 1, {3, 4});
  Plan copy(config.table_stride);
  copy.add_sequence(30, 1, {7, 8});
  const std::vector<float> expected = pool.attend(source, query);
  CHECK(same_bits(expected, pool.attend(copy, query)), "copy");
  pool.write(other, 30, {7, 8});
  CHECK(same_bits(expected, pool.attend(source, query)), "source changed");
  CHECK(!same_bits(expected, pool.attend(copy, query)), "copy must differ");
  const int32_t outside[] = {kBlocks, 0};
  CHECK(quire_block_copy(pool.c.context, 1, outside, dst) == QUIRE_INVALID_ARG, "outside");
  CHECK(quire_block_copy(pool.c.context, 1, src, outside) == QUIRE_INVALID_ARG, "outside");
}

// 2^31 float16 elements lie below the last block: 32-bit offsets would wrap.
TEST(pagedAttention_beyondTwoGigaElements_usesWideOffsets) {
  Config config = attention_config(QUIRE_ISA_AUTO, 1, 2, 2, 128);
  config.layers = 2;
  Context c(config);
  const int64_t blocks = (int64_t{1} << 32) / (quire_block_bytes(c.context) / 2) * 2 + 8;
  const size_t bytes = static_cast<size_t>(blocks * quire_block_bytes(c.context));
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED, "sparse mapping of %zu bytes", bytes);
  if (memory == MAP_FAILED) return;
  CHECK(quire_cache_open(c.context, blocks, memory) == QUIRE_OK, "%s", quire_last_error());
  Random random{13};
  const Model m = random_model(random, config);
  const int32_t last = static_cast<int32_t>(blocks - 1);
  std::vector<int64_t> slot;
  for (int32_t i = 0; i < 20; ++i) slot.push_back(int64_t{i < 16 ? last : last - 1} * 16 + i % 16);
  CHECK(
      quire_op_cache_write(c.context, 1, 20, slot.data(), m.key.data(), m.value.data()) == QUIRE_OK,
      "%s", quire_last_error());
  Plan plan(config.table_stride);
  plan.add_sequence(20, 1, {last, last - 1});
  const std::vector<float> query = random_floats(random, 256);
  std::vector<float> out(256);
  CHECK(quire_op_paged_attention(c.context, 1, plan.get(), query.data(), out.data()) == QUIRE_OK,
        "%s", quire_last_error());
  check_token(m, 20, query.data(), out.data());
  munmap(memory, bytes);
}
