// Norm, rotation, activation and conversions against double precision.
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
      quire_config config = small_config();
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

TEST(rope_partOfAHead_agreesWithDouble) {
  Random random{6};
  for (int32_t rope_dim : {0, 4, 16}) {
    for (int32_t isa : isas()) {
      quire_config config = small_config();
      config.isa = isa;
      config.rope_dim = rope_dim;
      Context c(config);
      const std::vector<float> in = random_floats(random, 3 * 5 * 16);
      std::vector<float> out = in;
      const int32_t position[] = {0, 17, 599};
      CHECK(quire_op_rope(c.context, 3, 5, position, out.data()) == QUIRE_OK, "%s",
            quire_last_error());
      for (int32_t i = 0; i < 3 * 5 * 16; i += 2) {
        const int32_t within = i % 16;
        const double angle = position[i / 80] * pow(10000.0, -static_cast<double>(within) /
                                                                 (rope_dim > 0 ? rope_dim : 1));
        const double x = in[static_cast<size_t>(i)];
        const double y = in[static_cast<size_t>(i + 1)];
        const bool rotated = within < rope_dim;
        const double expected = rotated ? x * cos(angle) - y * sin(angle) : x;
        const double partner = rotated ? x * sin(angle) + y * cos(angle) : y;
        CHECK(fabs(out[static_cast<size_t>(i)] - expected) < 4e-7 &&
                  fabs(out[static_cast<size_t>(i + 1)] - partner) < 4e-7,
              "rope_dim=%d, i=%d", rope_dim, i);
      }
    }
  }
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

TEST(siluMul_anyCount_agreesWithDouble) {
  Random random{7};
  for (int64_t count : {1, 16, 31, 200}) {
    std::vector<float> gate = random_floats(random, count, 20);
    if (count > 16) gate[3] = -300;
    if (count > 16) gate[4] = 300;
    const std::vector<float> up = random_floats(random, count);
    for (int32_t isa : isas()) {
      quire_config config = small_config();
      config.isa = isa;
      Context c(config);
      std::vector<float> out(static_cast<size_t>(count) + 1, 7);
      CHECK(quire_op_silu_mul(c.context, count, gate.data(), up.data(), out.data()) == QUIRE_OK,
            "status");
      for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
        const double expected = gate[i] / (1 + exp(-static_cast<double>(gate[i]))) * up[i];
        CHECK(fabs(out[i] - expected) <= fabs(expected) * 5e-7 + 1e-30,
              "i=%zu, got=%g, expected=%g", i, static_cast<double>(out[i]), expected);
      }
      CHECK(out.back() == 7, "guard broken: isa=%d", isa);
    }
  }
}
