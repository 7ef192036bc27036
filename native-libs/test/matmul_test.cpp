// Packing and matrix products against double-precision loops, for every weight type and variant.
#include <utility>

#include "../cpu/kernel_table.h"
#include "fixture.h"

using namespace fixture;

// Columns in multiples of the type's block.
static std::vector<int64_t> columns(int32_t type) {
  const int64_t block = blocks::block_of(type).elements;
  return block == 256 ? std::vector<int64_t>{256, 768} : std::vector<int64_t>{32, 96, 544};
}

static Config wide_config(int32_t isa, int32_t threads) {
  Config c = small_config();
  c.feed_forward = 1024;
  c.isa = isa;
  c.threads = threads;
  return c;
}

// Product with guard values around the output.
static std::vector<float> product(quire_context* context, const Matrix& m, int32_t tokens,
                                  const std::vector<float>& in) {
  const int32_t id = quire_weight(context, m.type, m.rows, m.cols, m.packed->data);
  CHECK(id >= 0, "weight: %s", quire_last_error());
  constexpr float kGuard = 12345;
  std::vector<float> out(static_cast<size_t>(tokens * m.rows) + 64, kGuard);
  CHECK(quire_op_matmul(context, id, tokens, in.data(), out.data() + 32) == QUIRE_OK, "%s",
        quire_last_error());
  for (size_t i = 0; i < 32; ++i) {
    CHECK(out[i] == kGuard && out[out.size() - 1 - i] == kGuard, "guard broken: i=%zu", i);
  }
  return std::vector<float>(out.begin() + 32, out.end() - 32);
}

// Float32 sums of `cols` terms err by about cols / 2 roundings of the sum of magnitudes at most;
// quantised activations add half a step of 1 / 127 of their block's largest, here at most 1.
static void check_against_double(const Matrix& m, int32_t tokens, const std::vector<float>& in,
                                 const std::vector<float>& out) {
  const bool quantised = !blocks::is_float(m.type);
  for (int32_t t = 0; t < tokens; ++t) {
    for (int64_t row = 0; row < m.rows; ++row) {
      double expected = 0;
      double magnitude = 0;
      double weights = 0;
      for (int64_t k = 0; k < m.cols; ++k) {
        const double w = m.values[static_cast<size_t>(row * m.cols + k)];
        expected += w * in[static_cast<size_t>(t * m.cols + k)];
        magnitude += fabs(w * in[static_cast<size_t>(t * m.cols + k)]);
        weights += fabs(w);
      }
      const double got = out[static_cast<size_t>(t * m.rows + row)];
      const double bound = magnitude * 6e-8 * (4 + static_cast<double>(m.cols) / 2) +
                           (quantised ? weights * 0.5 / 127 * 1.01 + magnitude * 2e-6 : 0);
      CHECK(fabs(got - expected) <= bound,
            "type=%d, rows=%ld, cols=%ld, t=%d, row=%ld, got=%g, expected=%g, bound=%g", m.type,
            m.rows, m.cols, t, row, got, expected, bound);
    }
  }
}

TEST(matmul_everyTypeAndVariant_agreesWithDouble) {
  Random random{1};
  for (int32_t type : blocks::kTypes) {
    for (int64_t rows : {1, 15, 17, 33}) {
      for (int64_t cols : columns(type)) {
        const auto m = random_matrix(type, rows, cols, random);
        for (int32_t tokens : {1, 2, 3, 5, 8, 12, 13, 27}) {
          const std::vector<float> in = random_floats(random, tokens * cols);
          std::vector<float> first;
          for (int32_t isa : isas()) {
            Context c(wide_config(isa, 1));
            const std::vector<float> out = product(c.context, *m, tokens, in);
            if (first.empty()) {
              check_against_double(*m, tokens, in, out);
              first = out;
            }
            CHECK(same_bits(out, first),
                  "variants differ: isa=%d, type=%d, rows=%ld, cols=%ld, tokens=%d", isa, type,
                  rows, cols, tokens);
          }
        }
      }
    }
  }
}

TEST(matmul_colsOfNoWholeVector_agreesWithDouble) {
  Random random{2};
  for (int32_t type : {QUIRE_F32, QUIRE_F16, QUIRE_BF16}) {
    for (int64_t cols : {1, 7, 20, 33}) {
      const auto m = random_matrix(type, 19, cols, random);
      const std::vector<float> in = random_floats(random, 5 * cols);
      for (int32_t isa : isas()) {
        Context c(wide_config(isa, 2));
        check_against_double(*m, 5, in, product(c.context, *m, 5, in));
      }
    }
  }
}

TEST(matmul_tokensBesideAndThreads_doNotChangeBits) {
  Random random{3};
  for (int32_t type : blocks::kTypes) {
    const int64_t cols = columns(type).back();
    const auto m = random_matrix(type, 83, cols, random);
    const std::vector<float> in = random_floats(random, 37 * cols);
    for (int32_t isa : isas()) {
      Context one(wide_config(isa, 1));
      const std::vector<float> all = product(one.context, *m, 37, in);
      for (int32_t threads : {2, 4}) {
        Context c(wide_config(isa, threads));
        CHECK(same_bits(product(c.context, *m, 37, in), all), "threads=%d, type=%d, isa=%d",
              threads, type, isa);
      }
      for (int32_t t = 0; t < 37; ++t) {
        const std::vector<float> alone(in.begin() + t * cols, in.begin() + (t + 1) * cols);
        const std::vector<float> expected(all.begin() + t * 83, all.begin() + (t + 1) * 83);
        CHECK(same_bits(product(one.context, *m, 1, alone), expected), "t=%d, type=%d, isa=%d", t,
              type, isa);
      }
    }
  }
}

TEST(matmul_extremeActivations_stayExactOrBecomeNan) {
  Random random{4};
  for (int32_t type : blocks::kTypes) {
    if (blocks::is_float(type)) continue;
    const int64_t cols = columns(type).front();
    const auto m = random_matrix(type, 16, cols, random);
    for (float scale : {0.0f, 1e-38f, 1e-20f, 1e20f}) {
      std::vector<float> in(static_cast<size_t>(cols), scale);
      for (size_t i = 0; i < in.size(); i += 3) in[i] = -scale;
      for (int32_t isa : isas()) {
        Context c(wide_config(isa, 1));
        for (float y : product(c.context, *m, 1, in)) {
          CHECK(fabsf(y) <= scale * 256, "scale=%g, y=%g", static_cast<double>(scale),
                static_cast<double>(y));
        }
        for (float bad : {NAN, INFINITY, -INFINITY}) {
          std::vector<float> broken = in;
          broken[20] = bad;
          for (float y : product(c.context, *m, 1, broken))
            CHECK(isnan(y), "bad input must show: isa=%d", isa);
        }
      }
    }
  }
}

static bool same(float a, float b) {
  return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(float)) == 0;
}

// Gives rows 1, 3, 5, ... random bytes, their first block every f16 scale and minimum that is
// small, large, infinite or not a number.
static void make_extreme(Matrix& m, Random& random) {
  static const uint16_t kExtremes[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF,
                                       0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFFFF};
  const blocks::Block block = blocks::block_of(m.type);
  const size_t row_bytes = m.source.size() / static_cast<size_t>(m.rows);
  for (size_t row = 1; row < static_cast<size_t>(m.rows); row += 2) {
    uint8_t* in = m.source.data() + row * row_bytes;
    for (size_t i = 0; i < row_bytes; ++i) in[i] = static_cast<uint8_t>(random.next());
    if (block.scale >= 0) blocks::put_half(in + block.scale, kExtremes[row / 2 % 10]);
    if (block.minimum >= 0) blocks::put_half(in + block.minimum, kExtremes[row / 4 % 10]);
  }
  m.values.clear();
  for (size_t at = 0; at < m.source.size(); at += static_cast<size_t>(block.bytes)) {
    for (int i = 0; i < block.elements; ++i) {
      m.values.push_back(blocks::element(m.type, m.source.data() + at, i));
    }
  }
  pack(m);
}

// Nothing but the rows with extreme scales is touched, and the variants agree on those too.
TEST(matmul_anyScale_agreesInAllVariantsAndStaysInItsRow) {
  Random random{11};
  for (int32_t type : blocks::kTypes) {
    const int64_t cols = columns(type).front();
    const auto clean = random_matrix(type, 40, cols, random);
    auto m = random_matrix(type, 40, cols, random);
    m->source = clean->source;
    make_extreme(*m, random);
    const std::vector<float> in = random_floats(random, 5 * cols);
    std::vector<float> first;
    for (int32_t isa : isas()) {
      Context c(wide_config(isa, 2));
      const std::vector<float> out = product(c.context, *m, 5, in);
      const std::vector<float> expected = product(c.context, *clean, 5, in);
      if (first.empty()) first = out;
      for (size_t i = 0; i < out.size(); ++i) {
        CHECK(same(out[i], first[i]), "variants differ: isa=%d, type=%d, i=%zu", isa, type, i);
        if (i % 40 % 2 == 0) {
          CHECK(same(out[i], expected[i]), "row changed: isa=%d, type=%d, i=%zu", isa, type, i);
        }
      }
    }
  }
}

// A packed row is the row that GGUF defines, bit for bit: every product is exact in float32, and so
// a type with minima rounds once, as the double-precision value does here.
TEST(embedRow_anyBlock_isTheDequantisedRow) {
  Random random{12};
  for (int32_t type : blocks::kTypes) {
    const int64_t cols = columns(type).back();
    auto m = random_matrix(type, 35, cols, random);
    make_extreme(*m, random);
    const quire::Weight weight = {type, 35, cols, static_cast<const uint8_t*>(m->packed->data)};
    for (int32_t isa : isas()) {
      int32_t chosen;
      const quire::KernelTable* kernels = quire::kernels_of(isa, &chosen);
      std::vector<float> out(static_cast<size_t>(cols) + 1, 7);
      for (int64_t row = 0; row < 35; ++row) {
        kernels->embed_row(weight, row, out.data());
        for (size_t k = 0; k < static_cast<size_t>(cols); ++k) {
          const float expected = static_cast<float>(m->values[static_cast<size_t>(row * cols) + k]);
          CHECK(same(out[k], expected), "type=%d, isa=%d, row=%ld, k=%zu, got=%g, expected=%g",
                type, isa, row, k, static_cast<double>(out[k]), static_cast<double>(expected));
        }
        CHECK(out.back() == 7, "guard broken: type=%d", type);
      }
    }
  }
}

// Rows that pad a tile and gaps at its end are zeros, whatever the memory held.
TEST(pack_again_givesTheSameBytes) {
  Random random{13};
  for (int32_t type : blocks::kTypes) {
    for (int64_t rows : {1, 16, 21}) {
      const auto m = random_matrix(type, rows, columns(type).back(), random);
      const int64_t bytes = quire_packed_bytes(type, rows, m->cols);
      const Aligned other(bytes);
      memset(other.data, 0xFF, static_cast<size_t>(bytes));
      CHECK(quire_pack(type, rows, m->cols, m->source.data(), other.data) == QUIRE_OK, "%s",
            quire_last_error());
      CHECK(memcmp(other.data, m->packed->data, static_cast<size_t>(bytes)) == 0, "type=%d", type);
    }
  }
}

TEST(pack_unknownTypeOrShape_isRefused) {
  CHECK(quire_packed_bytes(15, 16, 256) == QUIRE_UNSUPPORTED_DTYPE, "type 15");
  CHECK(strcmp(quire_last_error(),
               "weight type must be F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, "
               "Q4_K, Q5_K, Q6_K, IQ4_NL or MXFP4: type=15") == 0,
        "%s", quire_last_error());
  CHECK(quire_packed_bytes(QUIRE_Q4_K, 16, 128) == QUIRE_UNSUPPORTED_SHAPE, "cols 128");
  CHECK(quire_packed_bytes(QUIRE_Q4_1, 16, 33) == QUIRE_UNSUPPORTED_SHAPE, "cols 33");
  CHECK(quire_packed_bytes(QUIRE_F32, 0, 33) == QUIRE_INVALID_ARG, "rows 0");
  CHECK(quire_packed_bytes(QUIRE_F32, int64_t{1} << 40, int64_t{1} << 40) == QUIRE_INVALID_ARG,
        "overflow");
  CHECK(quire_packed_bytes(QUIRE_Q4_1, 576, 576) == 576 * 576 / 32 * 20,
        "no padding where rows are whole tiles");
  CHECK(quire_packed_bytes(QUIRE_Q8_0, 49152, 576) == 49152 / 16 * 9792, "scales without padding");
  // Bytes of 256 weights; GGUF's are the same, but 136 in MXFP4, 84 in Q2_K, 110 in Q3_K, 144 in
  // Q4_K and 176 in Q5_K.
  for (const auto& [type, bytes] : {std::pair{QUIRE_Q4_0, 144},
                                    {QUIRE_Q5_0, 176},
                                    {QUIRE_Q5_1, 192},
                                    {QUIRE_IQ4_NL, 144},
                                    {QUIRE_MXFP4, 144},
                                    {QUIRE_Q2_K, 100},
                                    {QUIRE_Q3_K, 114},
                                    {QUIRE_Q4_K, 148},
                                    {QUIRE_Q5_K, 180},
                                    {QUIRE_Q6_K, 210}}) {
    CHECK(quire_packed_bytes(type, 16, 1024) == int64_t{bytes} * 16 * 4,
          "bytes of 256 weights: type=%d, found=%ld", type,
          quire_packed_bytes(type, 16, 1024) / 64);
  }
}
