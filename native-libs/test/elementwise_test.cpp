// Norm, rotation, activation and conversions against double precision.
#include <utility>

#include "../cpu/kernel_table.h"
#include "fixture.h"

using namespace fixture;

TEST(half_everyValue_survivesTheRoundTrip) {
  for (uint32_t half = 0; half < 65536; ++half) {
    const float value = half_to_float(static_cast<uint16_t>(half));
    if (isnan(value)) continue;
    CHECK(float_to_half(value) == half, "half=%u", half);
  }
  CHECK(float_to_half(1.00048828125f) == 0x3C00, "tie to even, down");
  CHECK(float_to_half(1.00146484375f) == 0x3C02, "tie to even, up");
  CHECK(float_to_half(65519.0f) == 0x7BFF && float_to_half(65520.0f) == 0x7C00, "overflow");
  CHECK(float_to_half(2.98023223876953125e-8f) == 0 && float_to_half(2.99e-8f) == 1,
        "half of the smallest");
}

TEST(rmsNorm_anyWidth_agreesWithDouble) {
  Random random{5};
  for (int32_t cols : {1, 15, 16, 17, 64, 576, 1000}) {
    const std::vector<float> in = random_floats(random, 2 * cols);
    const std::vector<float> weight = random_floats(random, cols);
    std::vector<float> first;
    for (int32_t isa : isas()) {
      Config config = small_config();
      config.isa = isa;
      Context c(config);
      std::vector<float> out(in.size());
      CHECK(quire_op_rms_norm(c.context, 2, cols, 1e-5f, weight.data(), in.data(), out.data()) ==
                QUIRE_OK,
            "status");
      for (int32_t i = 0; i < 2 * cols; ++i) {
        double squares = 0;
        for (int32_t k = 0; k < cols; ++k)
          squares += pow(static_cast<double>(in[static_cast<size_t>(i / cols * cols + k)]), 2);
        const double expected = in[static_cast<size_t>(i)] / sqrt(squares / cols + 1e-5) *
                                weight[static_cast<size_t>(i % cols)];
        // Lanes add cols / 16 terms; the root halves their error.
        CHECK(fabs(out[static_cast<size_t>(i)] - expected) <=
                  fabs(expected) * 6e-8 * (6 + cols / 32.0),
              "cols=%d, i=%d", cols, i);
      }
      if (first.empty()) first = out;
      CHECK(same_bits(first, out), "variants differ: isa=%d, cols=%d", isa, cols);
    }
  }
}

TEST(layerNorm_anyWidth_agreesWithDouble) {
  Random random{14};
  for (int32_t cols : {1, 15, 16, 17, 64, 576, 1000}) {
    std::vector<float> in = random_floats(random, 2 * cols);
    for (float& x : in) x += 3;  // a mean to take out
    const std::vector<float> weight = random_floats(random, cols);
    const std::vector<float> bias = random_floats(random, cols);
    for (const float* added : {bias.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> first;
      for (int32_t isa : isas()) {
        Config config = small_config();
        config.isa = isa;
        Context c(config);
        std::vector<float> out(in.size());
        CHECK(quire_op_layer_norm(c.context, 2, cols, 1e-5f, weight.data(), added, in.data(),
                                  out.data()) == QUIRE_OK,
              "status");
        for (size_t i = 0; i < in.size(); ++i) {
          const size_t row = i / static_cast<size_t>(cols) * static_cast<size_t>(cols);
          double mean = 0;
          double variance = 0;
          for (size_t k = row; k < row + static_cast<size_t>(cols); ++k)
            mean += in[k] / double(cols);
          for (size_t k = row; k < row + static_cast<size_t>(cols); ++k)
            variance += pow(in[k] - mean, 2) / cols;
          const double deviation = sqrt(variance + 1e-5);
          const double w = weight[i - row];
          const double b = added == nullptr ? 0 : bias[i - row];
          const double expected = (in[i] - mean) / deviation * w + b;
          // The mean, at most 4, is off by cols / 16 + 5 roundings of 4, and what is divided by the
          // deviation as much; the deviation itself by fewer.
          const double bound =
              6e-8 * (5 + cols / 16.0) * (4 * fabs(w) / deviation + fabs(expected));
          CHECK(fabs(out[i] - expected) <= bound, "cols=%d, i=%zu, got=%g, expected=%g", cols, i,
                static_cast<double>(out[i]), expected);
        }
        if (first.empty()) first = out;
        CHECK(same_bits(first, out), "variants differ: isa=%d, cols=%d", isa, cols);
      }
    }
  }
}

static void check_rope(int32_t pairs, int32_t head_dim, int32_t rope_dim, float magnitude,
                       Random& random) {
  const std::vector<float> in = random_floats(random, 3 * 5 * head_dim);
  const int32_t position[] = {0, 17, 131071};
  std::vector<float> first;
  for (int32_t isa : isas()) {
    Config config = small_config();
    config.isa = isa;
    config.head_dim = head_dim;
    config.context_length = 131072;
    config.add_rope(QUIRE_PAIRS_ADJACENT, 2, 10);  // not the one that is asked for
    config.add_rope(pairs, rope_dim, 10000, magnitude);
    Context c(config);
    std::vector<float> out = in;
    CHECK(quire_op_rope(c.context, 1, 3, 5, position, out.data()) == QUIRE_OK, "%s",
          quire_last_error());
    std::vector<double> expected(in.begin(), in.end());
    for (int32_t head = 0; head < 15; ++head) {
      for (int32_t i = 0; i < rope_dim / 2; ++i) {
        const bool adjacent = pairs == QUIRE_PAIRS_ADJACENT;
        const size_t x = static_cast<size_t>(head * head_dim + (adjacent ? 2 * i : i));
        const size_t y = x + static_cast<size_t>(adjacent ? 1 : rope_dim / 2);
        const float frequency = static_cast<float>(pow(10000.0, -2.0 * i / rope_dim));
        const double angle = position[head / 5] * static_cast<double>(frequency);
        const double m = magnitude;
        expected[x] = m * (in[x] * cos(angle) - in[y] * sin(angle));
        expected[y] = m * (in[x] * sin(angle) + in[y] * cos(angle));
      }
    }
    for (size_t i = 0; i < in.size(); ++i) {
      // Two products of rounded cosines and sines, and their sum: 5 roundings of at most 2.
      CHECK(fabs(out[i] - expected[i]) <= 6e-8 * 5 * 2 * fmax(1, static_cast<double>(magnitude)),
            "pairs=%d, head_dim=%d, rope_dim=%d, i=%zu", pairs, head_dim, rope_dim, i);
    }
    if (first.empty()) first = out;
    CHECK(same_bits(first, out), "variants differ: isa=%d, pairs=%d, head_dim=%d", isa, pairs,
          head_dim);
  }
}

TEST(rope_pairsPartsAndMagnitudes_agreeWithDouble) {
  Random random{6};
  for (int32_t pairs : {QUIRE_PAIRS_ADJACENT, QUIRE_PAIRS_HALVES}) {
    for (const auto& [head_dim, rope_dim] : {std::pair{16, 2},
                                             {16, 4},
                                             {16, 16},
                                             {20, 20},
                                             {80, 32},
                                             {96, 72},
                                             {64, 64},
                                             {112, 112},
                                             {256, 256}}) {
      for (float magnitude : {1.0f, 1.19f})
        check_rope(pairs, head_dim, rope_dim, magnitude, random);
    }
  }
}

TEST(rope_unknownOrOutside_isRefused) {
  Config config = small_config();
  config.add_rope(QUIRE_PAIRS_HALVES, 16, 10000);
  Context c(config);
  std::vector<float> data(16);
  const int32_t outside[] = {600};
  CHECK(quire_op_rope(c.context, 0, 1, 1, outside, data.data()) == QUIRE_INVALID_ARG, "position");
  CHECK(quire_op_rope(c.context, 1, 1, 1, outside, data.data()) == QUIRE_INVALID_ARG, "rope");
}

TEST(exp_overItsRange_isWithinTwoUlp) {
  for (int32_t isa : isas()) {
    int32_t chosen;
    const quire::KernelTable* kernels = quire::kernels_of(isa, &chosen);
    double worst = 0;
    std::vector<float> in(512);
    std::vector<float> out(512);
    double sum;
    for (int step = 0; step < 340; ++step) {
      for (int i = 0; i < 512; ++i)
        in[static_cast<size_t>(i)] = -87.0f + static_cast<float>(step * 512 + i) * 0.001f;
      kernels->exp_weights(in.data(), 512, 0, 1, out.data(), &sum);
      for (size_t i = 0; i < 512; ++i) {
        const double expected = exp(static_cast<double>(in[i]));
        const double error = fabs(out[i] - expected) / expected / 5.96e-8;
        if (in[i] < 88) worst = error > worst ? error : worst;
      }
    }
    // In halves of a unit in the last place: 5.96e-8 = 2^-24.
    CHECK(worst < 4, "isa=%d, worst=%g", isa, worst);
    const std::vector<float> special = {-INFINITY, NAN, -88, -1e30f, 0};
    kernels->exp_weights(special.data(), 5, 0, 1, out.data(), &sum);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 0 && out[3] == 0 && out[4] == 1, "isa=%d", isa);
  }
}

// 2u of gelu(x) = x / 2 * (1 + tanh(u)), in double precision.
static double gelu_slope(double x) { return 2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }

static double activated(int32_t activation, double gate, double up) {
  switch (activation) {
    case QUIRE_GATED_SILU:
      return gate / (1 + exp(-gate)) * up;
    case QUIRE_GATED_GELU:
      return gate / (1 + exp(-gelu_slope(gate))) * up;
    default:
      return up / (1 + exp(-gelu_slope(up)));
  }
}

TEST(activation_anyCount_agreesWithDouble) {
  Random random{7};
  for (int32_t activation : {QUIRE_GATED_SILU, QUIRE_GATED_GELU, QUIRE_GELU}) {
    for (int64_t count : {1, 16, 31, 200}) {
      std::vector<float> gate = random_floats(random, count, 20);
      const std::vector<float> up = random_floats(random, count);
      if (count > 16) gate[3] = -300;
      if (count > 16) gate[4] = 300;
      std::vector<float> first;
      for (int32_t isa : isas()) {
        Config config = small_config();
        config.isa = isa;
        Context c(config);
        std::vector<float> out(static_cast<size_t>(count) + 1, 7);
        CHECK(quire_op_activation(c.context, activation, count,
                                  activation == QUIRE_GELU ? nullptr : gate.data(), up.data(),
                                  out.data()) == QUIRE_OK,
              "status");
        for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
          const double expected = activated(activation, gate[i], up[i]);
          // gelu's own bound is held below; its exponent reaches 90 here.
          const double bound = activation == QUIRE_GATED_SILU ? 5e-7 : 6e-8 * (9 + 4 * 90);
          CHECK(fabs(out[i] - expected) <= fabs(expected) * bound + 2e-36,
                "activation=%d, i=%zu, got=%g, expected=%g", activation, i,
                static_cast<double>(out[i]), expected);
        }
        CHECK(out.back() == 7, "guard broken: isa=%d", isa);
        if (first.empty()) first = out;
        CHECK(same_bits(first, out), "variants differ: isa=%d, activation=%d", isa, activation);
      }
    }
  }
}

// The bound that gelu.cpp gives, over [-10, 20] in steps of 2^-14.
TEST(gelu_overItsRange_staysWithinItsBound) {
  Config config = small_config();
  Context c(config);
  std::vector<float> in;
  for (int32_t i = -10 * 16384; i <= 20 * 16384; ++i) in.push_back(static_cast<float>(i) / 16384);
  std::vector<float> out(in.size());
  CHECK(quire_op_activation(c.context, QUIRE_GELU, static_cast<int64_t>(in.size()), nullptr,
                            in.data(), out.data()) == QUIRE_OK,
        "status");
  for (size_t i = 0; i < in.size(); ++i) {
    const double x = in[i];
    const double expected = 0.5 * x * (1 + tanh(gelu_slope(x) / 2));
    const double exact = x / (1 + exp(-gelu_slope(x)));
    const double bound = 5.97e-8 * (8 + (x < 0 ? 4 * fabs(gelu_slope(x)) : 0));
    CHECK(fabs(exact - expected) <= 1e-15 * (1 + fabs(x)), "the two forms differ: x=%g", x);
    CHECK(fabs(out[i] - exact) <= fabs(exact) * bound, "x=%g, got=%g, expected=%g", x,
          static_cast<double>(out[i]), exact);
  }
  const std::vector<float> special = {-INFINITY, -1e30f, -10.5f, 0, 1e30f, INFINITY, NAN};
  quire_op_activation(c.context, QUIRE_GELU, 7, nullptr, special.data(), out.data());
  CHECK(out[0] == 0 && out[1] == 0 && out[2] == 0 && out[3] == 0 && out[4] == 1e30f &&
            out[5] == INFINITY && isnan(out[6]),
        "special values");
}
