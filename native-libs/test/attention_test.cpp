// Cache writes and paged attention against double-precision loops over keys and values rounded as
// the type of the cache rounds them.
#include <sys/mman.h>

#include <map>
#include <utility>

#include "fixture.h"

using namespace fixture;

static constexpr int32_t kBlocks = 120;

struct Model {
  Config config;
  std::vector<float> key, value;  // [tokens, kv_heads, head_dim] of one sequence
};

static constexpr int32_t kTypes[] = {QUIRE_CACHE_F16, QUIRE_CACHE_BF16, QUIRE_CACHE_INT8};

static Config attention_config(int32_t type, int32_t isa, int32_t threads, int32_t heads,
                               int32_t kv_heads, int32_t head_dim) {
  Config c = small_config();
  c.cache_type = type;
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

static float bfloat_of(float value) {
  return fabsf(value) < 0x1p-56f ? 0 : bfloat_to_float(float_to_bfloat(value));
}

// [count] numbers as `steps` whole multiples of a scale: the largest magnitude's share, for int8
// rounded up to bfloat16.
static std::vector<double> in_steps(const float* in, int32_t count, int32_t steps) {
  float largest = 0;
  for (int32_t i = 0; i < count; ++i) largest = fmaxf(largest, fabsf(in[i]));
  float scale = largest / static_cast<float>(steps);
  if (steps == 127 && bfloat_of(scale) != scale) {
    const uint16_t bits = static_cast<uint16_t>(float_to_bfloat(scale) + 1);
    scale = bfloat_of(scale) > scale ? bfloat_of(scale) : bfloat_to_float(bits);
  }
  std::vector<double> out;
  for (int32_t i = 0; i < count; ++i) {
    out.push_back(nearbyint(static_cast<double>(in[i]) / static_cast<double>(scale)) *
                  static_cast<double>(scale));
  }
  return out;
}

// [head_dim] of a token and KV head as the cache keeps them.
static std::vector<double> cached(const Model& m, const std::vector<float>& data, int32_t token,
                                  int32_t kv) {
  const int32_t d = m.config.head_dim;
  const float* in = data.data() + (int64_t{token} * m.config.kv_heads + kv) * d;
  if (m.config.cache_type == QUIRE_CACHE_INT8) return in_steps(in, d, 127);
  std::vector<double> out;
  for (int32_t e = 0; e < d; ++e) {
    out.push_back(static_cast<double>(m.config.cache_type == QUIRE_CACHE_F16
                                          ? half_to_float(float_to_half(in[e]))
                                          : bfloat_of(in[e])));
  }
  return out;
}

// A query row as it is multiplied.
static std::vector<double> rounded_query(const Model& m, const float* in) {
  const int32_t d = m.config.head_dim;
  if (m.config.cache_type == QUIRE_CACHE_INT8) return in_steps(in, d, 32767);
  std::vector<double> out;
  const float factor = m.config.attention_scale * 1.44269504f;
  for (int32_t e = 0; e < d; ++e) {
    out.push_back(m.config.cache_type == QUIRE_CACHE_F16
                      ? static_cast<double>(in[e])
                      : static_cast<double>(bfloat_of(in[e] * factor)) /
                            static_cast<double>(factor));
  }
  return out;
}

// Largest difference from `expected`, which are at most 1: of float32 sums; of weights rounded to 8
// bits, and of scores of up to 12 whose rounded query is another one where a product lies on the
// edge of two; of int8's steps where the quotient does.
static double bound_of(const Model& m, int32_t limit) {
  switch (m.config.cache_type) {
    case QUIRE_CACHE_F16:
      // Scores err by d roundings of about sqrt(d), sums by limit / 2.
      return 6e-8 * (8 + 2 * m.config.head_dim + limit / 4.0);
    case QUIRE_CACHE_BF16:
      return 2e-3;
    default:
      return 4e-3;
  }
}

// `out` and `query` [heads, head_dim] of a token that sees positions from ... limit - 1.
static void check_token(const Model& m, int32_t limit, const float* query, const float* out,
                        int32_t from = 0) {
  const int32_t d = m.config.head_dim;
  for (int32_t head = 0; head < m.config.heads; ++head) {
    const int32_t kv = head / (m.config.heads / m.config.kv_heads);
    const std::vector<double> row = rounded_query(m, query + head * d);
    std::vector<double> weight(static_cast<size_t>(limit));
    double largest = -INFINITY;
    for (int32_t i = from; i < limit; ++i) {
      const std::vector<double> key = cached(m, m.key, i, kv);
      double score = 0;
      for (size_t e = 0; e < row.size(); ++e) score += row[e] * key[e];
      weight[static_cast<size_t>(i)] = score * static_cast<double>(m.config.attention_scale);
      largest = fmax(largest, weight[static_cast<size_t>(i)]);
    }
    double total = 0;
    std::vector<double> expected(row.size());
    for (int32_t i = from; i < limit; ++i) {
      const double e = exp(weight[static_cast<size_t>(i)] - largest);
      const std::vector<double> value = cached(m, m.value, i, kv);
      total += e;
      for (size_t at = 0; at < value.size(); ++at) expected[at] += e * value[at];
    }
    for (int32_t e = 0; e < d; ++e) {
      const double wanted = expected[static_cast<size_t>(e)] / total;
      CHECK(fabs(static_cast<double>(out[head * d + e]) - wanted) <= bound_of(m, limit),
            "type=%d, limit=%d, heads=%d/%d, d=%d, e=%d, got=%g, expected=%g", m.config.cache_type,
            limit, m.config.heads, m.config.kv_heads, d, e, static_cast<double>(out[head * d + e]),
            wanted);
    }
  }
}

// Every instruction set with every type.
static std::vector<std::pair<int32_t, int32_t>> variants() {
  std::vector<std::pair<int32_t, int32_t>> out;
  for (int32_t isa : isas()) {
    for (int32_t type : kTypes) out.push_back({isa, type});
  }
  return out;
}

TEST(pagedAttention_everyLength_agreesWithDouble) {
  for (const auto& [isa, type] : variants()) {
    for (int32_t query_len : {1, 2, 16, 17}) {
      Random random{8};
      const Config config = attention_config(type, isa, 2, 6, 2, 32);
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
    std::map<int32_t, std::vector<float>> firsts;
    for (const auto& [isa, type] : variants()) {
      std::vector<float>& first = firsts[type];
      Random random{9};
      const Config config =
          attention_config(type, isa, 1, shape.heads, shape.kv_heads, shape.head_dim);
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
      CHECK(same_bits(first, out), "variants differ: type=%d, isa=%d, head_dim=%d", type, isa,
            shape.head_dim);
    }
  }
}

TEST(pagedAttention_blocksMatesCutsThreads_doNotChangeBits) {
  for (const auto& [isa, type] : variants()) {
    Random random{10};
    const Model m = random_model(random, attention_config(type, isa, 1, 6, 2, 32));
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
  for (const auto& [isa, type] : variants()) {
    for (int32_t window : {1, 2, 15, 16, 17, 255, 256, 257, 400, 599, 600, 700}) {
      Random random{15};
      Config config = attention_config(type, isa, 2, 6, 2, 32);
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
      std::map<int32_t, std::vector<float>> bits;
      for (const auto& [isa, type] : variants()) {
        std::vector<float>& expected = bits[type];
        Random random{16};
        const Model m = random_model(random, attention_config(type, isa, 1, heads, kv_heads, 32));
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
  for (const auto& [isa, type] : variants()) {
    const Config config = attention_config(type, isa, 1, 6, 2, 20);
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
    for (int64_t i = 0; i < pool.bytes; ++i) written += bytes[i] != 0xFF;
    const int64_t expected = type == QUIRE_CACHE_INT8 ? 2 * 2 * (20 + 2) : 2 * 2 * 2 * 20;
    // A byte of all bits may be a number's too.
    CHECK(written <= expected && written > expected - 20, "type=%d, isa=%d, written=%ld", type, isa,
          written);
    const int64_t outside[] = {int64_t{kBlocks} * 16, 0};
    CHECK(quire_op_cache_write(pool.c.context, 1, 2, outside, m.key.data(), m.value.data()) ==
              QUIRE_INVALID_ARG,
          "outside");
  }
}

TEST(blockCopy_thenDiverge_leavesTheSource) {
  const Config config = attention_config(QUIRE_CACHE_AUTO, QUIRE_ISA_AUTO, 1, 6, 2, 32);
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

TEST(swap_outAndBackElsewhere_attendsToTheSame) {
  for (int32_t type : {QUIRE_CACHE_BF16, QUIRE_CACHE_F16, QUIRE_CACHE_INT8}) {
    const Config config = attention_config(type, QUIRE_ISA_AUTO, 1, 6, 2, 32);
    Pool pool(config);
    Random random{13};
    const Model m = random_model(random, config);
    const Model other = random_model(random, config);
    quire_context* context = pool.c.context;
    int64_t ticket = -1;
    const int32_t held[] = {3, 4};
    const int32_t slots[] = {2, 0};
    CHECK(quire_swap_out(context, 2, held, slots, &ticket) == QUIRE_INVALID_ARG, "not open");
    std::vector<uint8_t> memory(static_cast<size_t>(quire_block_bytes(context)) * 3 + 64);
    void* aligned = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
    CHECK(quire_swap_open(context, 0, aligned) == QUIRE_INVALID_ARG, "no slots");
    CHECK(quire_swap_open(context, 3, aligned) == QUIRE_OK, "%s", quire_last_error());
    pool.write(m, 30, {3, 4});
    const std::vector<float> query = random_floats(random, 192);
    Plan before(config.table_stride);
    before.add_sequence(30, 1, {3, 4});
    const std::vector<float> expected = pool.attend(before, query);
    CHECK(quire_swap_out(context, 2, held, slots, &ticket) == QUIRE_OK, "%s", quire_last_error());
    CHECK(quire_swap_done(context, ticket) == 1, "a copy of memory is done at once");
    pool.write(other, 30, {3, 4});
    const int32_t back[] = {8, 1};
    CHECK(quire_swap_in(context, 2, slots, back, &ticket) == QUIRE_OK, "%s", quire_last_error());
    Plan after(config.table_stride);
    after.add_sequence(30, 1, {8, 1});
    CHECK(same_bits(expected, pool.attend(after, query)), "type=%d", type);
    const int32_t outside[] = {3, 0};
    CHECK(quire_swap_in(context, 1, outside, back, &ticket) == QUIRE_INVALID_ARG, "slot");
    const int32_t far_block[] = {kBlocks, 0};
    CHECK(quire_swap_out(context, 1, far_block, slots, &ticket) == QUIRE_INVALID_ARG, "block");
  }
}

// 2^31 float16 elements lie below the last block: 32-bit offsets would wrap.
TEST(pagedAttention_beyondTwoGigaElements_usesWideOffsets) {
  Config config = attention_config(QUIRE_CACHE_F16, QUIRE_ISA_AUTO, 1, 2, 2, 128);
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

// Pools of the same keys and values differ by rounding alone, which is small beside the values.
TEST(pagedAttention_everyType_isNearTheUnrounded) {
  const double bounds[] = {0, 1e-3, 1e-2, 3e-2};
  for (int32_t type : kTypes) {
    const Config config = attention_config(type, QUIRE_ISA_AUTO, 2, 6, 2, 64);
    Random random{21};
    Model m = random_model(random, config);
    for (float& key : m.key) key /= 2;
    Pool pool(config);
    const std::vector<int32_t> blocks = table(random, true);
    pool.write(m, 500, blocks);
    Plan plan(config.table_stride);
    plan.add_sequence(500, 1, blocks);
    const std::vector<float> query = random_floats(random, 6 * 64, 3);
    const std::vector<float> out = pool.attend(plan, query);
    for (int32_t i = 0; i < 6 * 64; ++i) {
      const int32_t head = i / 64;
      double total = 0;
      double sum = 0;
      for (int32_t token = 0; token < 500; ++token) {
        const int64_t at = (int64_t{token} * 2 + head / 3) * 64;
        double score = 0;
        for (int32_t e = 0; e < 64; ++e) {
          score += static_cast<double>(query[static_cast<size_t>(head * 64 + e)]) *
                   static_cast<double>(m.key[static_cast<size_t>(at + e)]);
        }
        const double weight = exp(score / 8);
        total += weight;
        sum += weight * static_cast<double>(m.value[static_cast<size_t>(at + i % 64)]);
      }
      CHECK(fabs(static_cast<double>(out[static_cast<size_t>(i)]) - sum / total) <= bounds[type],
            "type=%d, i=%d, got=%g, expected=%g", type, i,
            static_cast<double>(out[static_cast<size_t>(i)]), sum / total);
    }
  }
}

// One token: its value comes back as the cache keeps it. The bounds are the types' ranges.
static float kept(int32_t type, int32_t isa, float value) {
  const Config config = attention_config(type, isa, 1, 2, 2, 16);
  Pool pool(config);
  Model m = {config, std::vector<float>(32), std::vector<float>(32)};
  for (float& element : m.value) element = value;
  pool.write(m, 1, {5});
  Plan plan(config.table_stride);
  plan.add_sequence(1, 1, {5});
  return pool.attend(plan, std::vector<float>(32, 1)).front();
}

TEST(cacheWrite_extremes_areKeptOrSaturateOrFlush) {
  for (int32_t isa : isas()) {
    for (int32_t type : kTypes) {
      for (float value : {1e5f, -3e38f, 1e-3f, 1e-20f, 1e-40f, 0.0f, -0.0f}) {
        const float got = kept(type, isa, value);
        const float wanted = type == QUIRE_CACHE_F16 ? fmaxf(-65504, fminf(65504, value)) : value;
        const float most = fmaxf(fabsf(wanted) / 128, type == QUIRE_CACHE_F16 ? 6e-8f : 1e-17f);
        CHECK(fabsf(got - wanted) <= most, "type=%d, isa=%d, value=%g, got=%g", type, isa,
              static_cast<double>(value), static_cast<double>(got));
      }
      CHECK(isnan(kept(type, isa, NAN)), "type=%d, isa=%d: NaN must stay", type, isa);
      if (type == QUIRE_CACHE_F16) continue;
      CHECK(!isfinite(kept(type, isa, INFINITY)), "type=%d, isa=%d: infinity", type, isa);
    }
  }
}

TEST(cacheType_ofTheContext_isReportedAndSizesBlocks) {
  const int64_t elements = int64_t{2} * 2 * 16 * (20 + 32);  // layers, heads, tokens, K and V
  const int64_t bytes[] = {0, 2 * elements, 2 * elements, elements + int64_t{2} * 2 * 64};
  for (int32_t type : kTypes) {
    Context c(attention_config(type, QUIRE_ISA_AUTO, 1, 2, 2, 20));
    CHECK(quire_context_cache_type(c.context) == type, "type=%d", type);
    CHECK(quire_block_bytes(c.context) == bytes[type], "type=%d, bytes=%ld", type,
          quire_block_bytes(c.context));
  }
  Context chosen(attention_config(QUIRE_CACHE_AUTO, QUIRE_ISA_AUTO, 1, 2, 2, 20));
  CHECK(quire_context_cache_type(chosen.context) == QUIRE_CACHE_BF16, "default");
  Config unknown = attention_config(4, QUIRE_ISA_AUTO, 1, 2, 2, 20);
  quire_context* context;
  CHECK(quire_open(unknown.get(), &context) == QUIRE_UNSUPPORTED_DTYPE, "unknown type");
}
