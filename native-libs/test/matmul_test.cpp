// Packing and matrix products against double-precision loops, for every weight type and variant.
#include "fixture.h"

using namespace fixture;

static constexpr int32_t kTypes[] = {QUIRE_F32, QUIRE_F16, QUIRE_Q4_1, QUIRE_Q8_0};

static quire_config wide_config(int32_t isa, int32_t threads) {
  quire_config c = small_config();
  c.feed_forward = 352;
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
// quantised activations add half a step of 1 / 32767 of their block's largest, here at most 1.
static void check_against_double(const Matrix& m, int32_t tokens, const std::vector<float>& in,
                                 const std::vector<float>& out) {
  const bool quantised = m.type == QUIRE_Q4_1 || m.type == QUIRE_Q8_0;
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
                           (quantised ? weights * 0.5 / 32767 * 1.01 + magnitude * 2e-6 : 0);
      CHECK(fabs(got - expected) <= bound,
            "type=%d, rows=%ld, cols=%ld, t=%d, row=%ld, got=%g, expected=%g, bound=%g", m.type,
            m.rows, m.cols, t, row, got, expected, bound);
    }
  }
}

TEST(matmul_everyTypeAndVariant_agreesWithDouble) {
  Random random{1};
  for (int32_t type : kTypes) {
    for (int64_t rows : {1, 15, 16, 17, 33, 70}) {
      for (int64_t cols : {32, 96, 352}) {
        const auto m = random_matrix(type, rows, cols, random);
        for (int32_t tokens : {1, 2, 3, 5, 8, 17}) {
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
  for (int32_t type : {QUIRE_F32, QUIRE_F16}) {
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
  for (int32_t type : kTypes) {
    const auto m = random_matrix(type, 83, 96, random);
    const std::vector<float> in = random_floats(random, 37 * 96);
    for (int32_t isa : isas()) {
      Context one(wide_config(isa, 1));
      const std::vector<float> all = product(one.context, *m, 37, in);
      for (int32_t threads : {2, 4}) {
        Context c(wide_config(isa, threads));
        CHECK(same_bits(product(c.context, *m, 37, in), all), "threads=%d, type=%d, isa=%d",
              threads, type, isa);
      }
      for (int32_t t = 0; t < 37; ++t) {
        const std::vector<float> alone(in.begin() + t * 96, in.begin() + (t + 1) * 96);
        const std::vector<float> expected(all.begin() + t * 83, all.begin() + (t + 1) * 83);
        CHECK(same_bits(product(one.context, *m, 1, alone), expected), "t=%d, type=%d, isa=%d", t,
              type, isa);
      }
    }
  }
}

TEST(matmul_extremeActivations_stayExactOrBecomeNan) {
  Random random{4};
  for (int32_t type : {QUIRE_Q4_1, QUIRE_Q8_0}) {
    const auto m = random_matrix(type, 16, 64, random);
    for (float scale : {0.0f, 1e-38f, 1e-20f, 1e20f}) {
      std::vector<float> in(64, scale);
      for (size_t i = 0; i < 64; i += 3) in[i] = -scale;
      for (int32_t isa : isas()) {
        Context c(wide_config(isa, 1));
        for (float y : product(c.context, *m, 1, in)) {
          CHECK(fabsf(y) <= scale * 64 + 1e-36f && (scale > 1e-30f || y == 0), "scale=%g, y=%g",
                static_cast<double>(scale), static_cast<double>(y));
        }
        for (float bad : {NAN, INFINITY, -INFINITY}) {
          std::vector<float> broken = in;
          broken[40] = bad;
          for (float y : product(c.context, *m, 1, broken))
            CHECK(isnan(y), "bad input must show: isa=%d", isa);
        }
      }
    }
  }
}

TEST(pack_unknownTypeOrShape_isRefused) {
  CHECK(quire_packed_bytes(2, 16, 32) == QUIRE_UNSUPPORTED_DTYPE, "type 2");
  CHECK(strcmp(quire_last_error(), "weight type must be F32, F16, Q4_1 or Q8_0: type=2") == 0, "%s",
        quire_last_error());
  CHECK(quire_packed_bytes(QUIRE_Q4_1, 16, 33) == QUIRE_UNSUPPORTED_SHAPE, "cols 33");
  CHECK(quire_packed_bytes(QUIRE_F32, 0, 33) == QUIRE_INVALID_ARG, "rows 0");
  CHECK(quire_packed_bytes(QUIRE_F32, int64_t{1} << 40, int64_t{1} << 40) == QUIRE_INVALID_ARG,
        "overflow");
  CHECK(quire_packed_bytes(QUIRE_Q4_1, 576, 576) == 576 * 576 / 32 * 20,
        "no padding where rows are whole tiles");
  CHECK(quire_packed_bytes(QUIRE_Q8_0, 49152, 576) == 49152 / 16 * 9792, "scales without padding");
}
