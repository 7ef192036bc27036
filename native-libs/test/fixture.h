// Contexts, weights, plans and random numbers for the native tests.
#ifndef QUIRE_TEST_FIXTURE_H
#define QUIRE_TEST_FIXTURE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <memory>
#include <vector>

#include "../cpu/half.h"
#include "../cpu/isa.h"
#include "../include/quire_kernels.h"
#include "blocks.h"
#include "check.h"

namespace fixture {

// splitmix64 (Steele et al., 2014).
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = (state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  int32_t below(int32_t bound) {
    return static_cast<int32_t>(next() % static_cast<uint64_t>(bound));
  }
  // In [-1, 1).
  float value() { return static_cast<float>(static_cast<int64_t>(next() >> 40)) / 8388608.0f - 1; }
};

inline std::vector<float> random_floats(Random& random, int64_t count, float scale = 1) {
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = random.value() * scale;
  return out;
}

// Every variant that this machine runs.
inline std::vector<int32_t> isas() {
  std::vector<int32_t> out;
  for (int32_t isa = QUIRE_ISA_SCALAR; isa <= QUIRE_ISA_AMX; ++isa) {
    if (quire_isa(isa) == isa) out.push_back(isa);
  }
  for (int32_t isa : {quire::kIsaWithoutBfloat, quire::kIsaEmulatedTiles}) {
    if (quire_isa(isa) == QUIRE_ISA_VNNI) out.push_back(isa);
  }
  return out;
}

struct Aligned {
  explicit Aligned(int64_t bytes)
      : data(aligned_alloc(64, static_cast<size_t>((bytes + 127) / 64 * 64))) {}
  ~Aligned() { free(data); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  void* data;
};

// A configuration with room for its arrays. Layers have the first rope (if there is one) and no
// window unless layer_ropes and windows say otherwise.
struct Config : quire_config {
  std::vector<int32_t> pairs, dims, layer_ropes, windows;
  std::vector<float> magnitudes, frequencies;

  Config() : quire_config{} {}

  void add_rope(int32_t order, int32_t dim, double base, float magnitude = 1) {
    pairs.push_back(order);
    dims.push_back(dim);
    magnitudes.push_back(magnitude);
    for (int32_t i = 0; i < dim / 2; ++i)
      frequencies.push_back(static_cast<float>(pow(base, -2.0 * i / dim)));
  }

  const quire_config* get() {
    ropes = static_cast<int32_t>(pairs.size());
    layer_ropes.resize(static_cast<size_t>(layers), ropes > 0 ? 0 : -1);
    windows.resize(static_cast<size_t>(layers), 0);
    rope_pairs = pairs.data();
    rope_dim = dims.data();
    rope_magnitude = magnitudes.data();
    inverse_frequency = frequencies.data();
    layer_rope = layer_ropes.data();
    layer_window = windows.data();
    return this;
  }
};

inline Config small_config() {
  Config c;
  c.layers = 2;
  c.embedding = 64;
  c.feed_forward = 96;
  c.vocabulary = 128;
  c.heads = 6;
  c.kv_heads = 2;
  c.head_dim = 16;
  c.context_length = 600;
  c.norm_epsilon = 1e-5f;
  c.embedding_scale = 1;
  c.attention_scale = 0.25f;
  c.max_tokens = 64;
  c.max_seqs = 8;
  c.max_rows = 8;
  c.table_stride = 40;
  c.threads = 1;
  return c;
}

struct Context {
  explicit Context(Config config) {
    const int32_t status = quire_open(config.get(), &context);
    CHECK(status == QUIRE_OK, "open: %s", quire_last_error());
    if (status != QUIRE_OK) abort();
  }
  ~Context() { quire_close(context); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  quire_context* context = nullptr;
};

// A weight in GGUF's layout, its values, and its packed form.
struct Matrix {
  int32_t type;
  int64_t rows, cols;
  std::vector<uint8_t> source;
  std::vector<double> values;
  std::unique_ptr<Aligned> packed;
};

inline void random_block(Matrix& m, Random& random) {
  const blocks::Block block = blocks::block_of(m.type);
  const size_t at = m.source.size();
  for (int i = 0; i < block.bytes; ++i) m.source.push_back(static_cast<uint8_t>(random.next()));
  const float size = random.value() / sqrtf(static_cast<float>(m.cols));
  blocks::set_scales(m.type, size, m.source.data() + at);
  for (int i = 0; i < block.elements; ++i) {
    m.values.push_back(blocks::element(m.type, m.source.data() + at, i));
  }
}

inline void pack(Matrix& m) {
  const int64_t bytes = quire_packed_bytes(m.type, m.rows, m.cols);
  CHECK(bytes > 0, "packed_bytes: %s", quire_last_error());
  m.packed = std::make_unique<Aligned>(bytes);
  memset(m.packed->data, 0x5A, static_cast<size_t>(bytes));
  memset(static_cast<uint8_t*>(m.packed->data) + bytes, 0xA5, 64);
  const int32_t status = quire_pack(m.type, m.rows, m.cols, m.source.data(), m.packed->data);
  CHECK(status == QUIRE_OK, "pack: %s", quire_last_error());
  for (int i = 0; i < 64; ++i) {
    CHECK(static_cast<uint8_t*>(m.packed->data)[bytes + i] == 0xA5, "pack wrote behind its end");
  }
}

inline std::unique_ptr<Matrix> random_matrix(int32_t type, int64_t rows, int64_t cols,
                                             Random& random) {
  auto m = std::make_unique<Matrix>();
  m->type = type;
  m->rows = rows;
  m->cols = cols;
  while (static_cast<int64_t>(m->values.size()) < rows * cols) random_block(*m, random);
  pack(*m);
  return m;
}

// A plan with storage of its own; `greedy` rows.
struct Plan {
  quire_plan plan = {};
  std::vector<int32_t> token, position, query_start{0}, context_len, block_table, logit_row;
  std::vector<int64_t> slot, seed, counter;
  std::vector<float> temperature, top_p, min_p, presence, frequency, repetition, bias_value,
      out_logprob, top_logprob;
  std::vector<int32_t> top_k, history_start, prompt_len, history_len, bias_start, bias_len,
      logprobs, scored, history, bias_token, out_token, top_token;
  int32_t stride;

  explicit Plan(int32_t table_stride) : stride(table_stride) {}

  // `length` tokens of a sequence after the step, of which the last `query` are computed.
  void add_sequence(int32_t length, int32_t query, const std::vector<int32_t>& blocks) {
    for (int32_t i = length - query; i < length; ++i) {
      token.push_back(0);
      position.push_back(i);
      slot.push_back(int64_t{blocks[static_cast<size_t>(i / 16)]} * 16 + i % 16);
    }
    query_start.push_back(query_start.back() + query);
    context_len.push_back(length);
    block_table.resize(context_len.size() * static_cast<size_t>(stride), -1);
    std::copy(blocks.begin(), blocks.end(), block_table.end() - stride);
  }

  int32_t add_row(int32_t token_index) {
    logit_row.push_back(token_index);
    for (auto* zero : {&temperature, &min_p, &presence, &frequency, &out_logprob})
      zero->push_back(0);
    for (auto* one : {&top_p, &repetition}) one->push_back(1);
    for (auto* zero :
         {&top_k, &history_start, &prompt_len, &history_len, &bias_start, &bias_len, &out_token}) {
      zero->push_back(0);
    }
    seed.push_back(0);
    counter.push_back(0);
    logprobs.push_back(-1);
    scored.push_back(-1);
    top_token.resize(logit_row.size() * QUIRE_TOP_LOGPROBS);
    top_logprob.resize(logit_row.size() * QUIRE_TOP_LOGPROBS);
    return static_cast<int32_t>(logit_row.size()) - 1;
  }

  const quire_plan* get() {
    plan = {static_cast<int32_t>(token.size()),
            static_cast<int32_t>(context_len.size()),
            static_cast<int32_t>(logit_row.size()),
            token.data(),
            position.data(),
            slot.data(),
            query_start.data(),
            context_len.data(),
            block_table.data(),
            logit_row.data(),
            temperature.data(),
            top_p.data(),
            min_p.data(),
            top_k.data(),
            presence.data(),
            frequency.data(),
            repetition.data(),
            seed.data(),
            counter.data(),
            history_start.data(),
            prompt_len.data(),
            history_len.data(),
            bias_start.data(),
            bias_len.data(),
            logprobs.data(),
            scored.data(),
            history.data(),
            bias_token.data(),
            bias_value.data(),
            out_token.data(),
            out_logprob.data(),
            top_token.data(),
            top_logprob.data()};
    return &plan;
  }
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace fixture

#endif  // QUIRE_TEST_FIXTURE_H
