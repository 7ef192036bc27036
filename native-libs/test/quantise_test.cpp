// Quantised activations against a loop that sorts: what is taken out, and how far the rest is off.
#include <algorithm>

#include "../cpu/kernel_table.h"
#include "fixture.h"

using namespace fixture;

namespace {

// One row, told from where activations.h says that its part lies.
struct QuantisedRow {
  std::vector<double> values;  // scale * q, outliers as they are
  std::vector<uint32_t> outliers;
};

struct Rows {
  int64_t tokens, cols;
  std::vector<int8_t> quants;
  std::vector<float> blocks;
  std::vector<quire::Outlier> outliers;

  Rows(int64_t tokens, int64_t cols)
      : tokens(tokens),
        cols(cols),
        quants(static_cast<size_t>(tokens * cols)),
        blocks(static_cast<size_t>(tokens * cols / 32 * quire::kBlockFields)),
        outliers(static_cast<size_t>(tokens * quire::outliers_of(cols))) {}

  quire::QuantisedRows get() { return {quants.data(), blocks.data(), outliers.data()}; }

  // Where the table says that the parts are.
  QuantisedRow row(const quire::KernelTable& kernels, int64_t token) const {
    int64_t index = 0;
    while (kernels.part_start(index + 1, tokens) <= token) ++index;
    CHECK(index < kernels.parts_of(tokens), "token must have a part: token=%ld", token);
    const int64_t first = kernels.part_start(index, tokens);
    return row_of_part(first, kernels.part_start(index + 1, tokens) - first, token - first);
  }

  // Row t of the part of `count` tokens that begins at token `first`.
  QuantisedRow row_of_part(int64_t first, int64_t count, int64_t t) const {
    QuantisedRow out;
    const int8_t* q = quants.data() + first * cols;
    const float* block = blocks.data() + first * cols / 32 * quire::kBlockFields;
    for (int64_t k = 0; k < cols; ++k) {
      const int64_t scale = k / 32 * quire::kBlockFields * count + t;
      out.values.push_back(static_cast<double>(block[scale]) * q[(k / 4 * count + t) * 4 + k % 4]);
    }
    const quire::Outlier* outlier = outliers.data() + first * quire::outliers_of(cols);
    for (int64_t i = 0; i < quire::outliers_of(cols); ++i) {
      const quire::Outlier& taken = outlier[i * count + t];
      CHECK(out.values[taken.column] == 0 || taken.value == 0, "an outlier must not count twice");
      if (taken.value == 0) continue;
      out.values[taken.column] = static_cast<double>(taken.value);
      out.outliers.push_back(taken.column);
    }
    return out;
  }
};

// A few large values among many small ones.
std::vector<float> spiky(Random& random, int64_t cols) {
  std::vector<float> out = random_floats(random, cols);
  for (int i = 0; i < 5; ++i)
    out[static_cast<size_t>(random.below(static_cast<int32_t>(cols)))] *= 40;
  return out;
}

void check_row(const std::vector<float>& in, const QuantisedRow& got, int32_t isa) {
  const auto larger = [&](uint32_t a, uint32_t b) { return fabsf(in[a]) > fabsf(in[b]); };
  std::vector<uint32_t> order(in.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), larger);
  order.resize(static_cast<size_t>(quire::outliers_of(static_cast<int64_t>(in.size()))));
  CHECK(got.outliers == order, "outliers must be the largest, isa=%d", isa);
  for (size_t block = 0; block < in.size() / 32; ++block) {
    double largest = 0;
    for (size_t i = block * 32; i < block * 32 + 32; ++i) {
      const bool out = std::find(order.begin(), order.end(), i) != order.end();
      if (!out) largest = std::max(largest, fabs(static_cast<double>(in[i])));
    }
    for (size_t i = block * 32; i < block * 32 + 32; ++i) {
      CHECK(fabs(got.values[i] - static_cast<double>(in[i])) <= largest / 254 * 1.0001,
            "isa=%d, i=%zu, in=%g, got=%g", isa, i, static_cast<double>(in[i]), got.values[i]);
    }
  }
}

}  // namespace

TEST(quantise_anyRows_areOffByHalfAStepButForTheLargest) {
  Random random{31};
  for (int32_t isa : isas()) {
    int32_t chosen;
    const quire::KernelTable* kernels = quire::kernels_of(isa, &chosen);
    for (int64_t cols : {32, 128, 352, 1536}) {
      for (int64_t tokens : {1, 3, 5, 19}) {
        Rows rows(tokens, cols);
        std::vector<std::vector<float>> in;
        for (int64_t t = 0; t < tokens; ++t) {
          in.push_back(spiky(random, cols));
          kernels->quantise(in.back().data(), cols, t, tokens, rows.get());
        }
        for (int64_t t = 0; t < tokens; ++t) {
          check_row(in[static_cast<size_t>(t)], rows.row(*kernels, t), isa);
        }
      }
    }
  }
}

TEST(quantise_equalMagnitudes_takesTheFirst) {
  for (int32_t isa : isas()) {
    int32_t chosen;
    const quire::KernelTable* kernels = quire::kernels_of(isa, &chosen);
    std::vector<float> in(256, -1.0f);
    for (size_t i = 0; i < 64; ++i) in[i] = 0.5f;
    Rows rows(1, 256);
    kernels->quantise(in.data(), 256, 0, 1, rows.get());
    CHECK((rows.row(*kernels, 0).outliers == std::vector<uint32_t>{64, 65}), "isa=%d", isa);
  }
}

TEST(quantise_rowOfZerosOrBadNumbers_hasNoOutliers) {
  for (int32_t isa : isas()) {
    int32_t chosen;
    const quire::KernelTable* kernels = quire::kernels_of(isa, &chosen);
    for (float value : {0.0f, NAN, INFINITY}) {
      std::vector<float> in(128);
      in[77] = value;
      in[3] = value == 0 ? 0.0f : 1.0f;
      Rows rows(1, 128);
      kernels->quantise(in.data(), 128, 0, 1, rows.get());
      const QuantisedRow got = rows.row(*kernels, 0);
      CHECK(got.outliers.empty(), "isa=%d", isa);
      CHECK(value == 0 ? got.values[77] == 0 : isnan(got.values[77]), "isa=%d", isa);
      CHECK(got.values[20] == 0, "isa=%d", isa);
    }
  }
}
