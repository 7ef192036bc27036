// Activations to 8-bit integers, 32 at a time, but for a row's few largest, which stay as they are
// (outliers: Dettmers et al., "LLM.int8()", 2022, there by column; here by row, so that a row's
// bits depend on itself alone).
//
//   in [cols] float32; quants [cols] int8; blocks [cols / 32]; outliers [outliers_of(cols)], the
//   last three interleaved with those of other tokens (activations.h)
//
// x ~ scale * q, |q| <= 127, scale = max|x| / 127 over the block without its outliers: the error of
// an element is at most half a step. An outlier's q is 0. Outliers are the largest magnitudes of
// the row, ties to the lowest column, in that order. A row with an infinity or a NaN has none
// (their values are 0), and the blocks where these are get a NaN scale. Blocks whose largest
// magnitude is below 1e-30 become zero, since the step's inverse would overflow.
#include "activations.h"

namespace quire::QUIRE_ISA {

static constexpr int32_t kInfinity = 0x7F800000;

// The 32 elements of a block that are not taken out; bit i of `taken` is element i.
struct Rest {
  Floats first, second;

  Rest(const float* in, uint32_t taken)
      : first(keep_lanes(load(in), ~taken & 0xFFFF)),
        second(keep_lanes(load(in + kLanes), ~taken >> kLanes)) {}

  // The bits of magnitudes order like the magnitudes, with infinity and NaN on top.
  int32_t largest_bits() const {
    return largest_int(max_magnitude_bits(max_magnitude_bits(zero_ints(), first), second));
  }

  // The lowest element of that magnitude.
  int position_of(int32_t bits) const {
    const Ints wanted = set1_ints(bits);
    const uint32_t low = equal(max_magnitude_bits(zero_ints(), first), wanted);
    const uint32_t high = equal(max_magnitude_bits(zero_ints(), second), wanted);
    return __builtin_ctz(low | high << kLanes);
  }
};

// One token's row among its part's.
struct Row {
  int8_t* quants;
  float* blocks;
  Outlier* outliers;
  int64_t stride;  // tokens of the part

  Row(const QuantisedRows& rows, int64_t cols, int64_t token, int64_t tokens) {
    const Part part = part_with(token, tokens);
    const int64_t t = token - part.first;
    quants = rows.quants + part.first * cols + 4 * t;
    blocks = rows.blocks + part.first * (cols / kQuantElements) * kBlockFields + t;
    outliers = rows.outliers + part.first * outliers_of(cols) + t;
    stride = part.count;
  }

  float* field(int64_t block, int64_t index) const {
    return blocks + (block * kBlockFields + index) * stride;
  }

  void set_block(int64_t block, float scale, int32_t sum, int32_t first_sum) const {
    *field(block, 0) = scale;
    *field(block, 1) = scale * static_cast<float>(sum);
    sum *= -128;
    first_sum *= -128;
    memcpy(field(block, 2), &sum, 4);
    memcpy(field(block, 3), &first_sum, 4);
  }

  void set_quants(int64_t block, const int8_t* in) const {
    int8_t* out = quants + block * kQuantElements * stride;
    for (int i = 0; i < kQuantElements; i += 4) memcpy(out + i * stride, in + i, 4);
  }
};

// While outliers are looked for: the largest magnitude of each block that is left, and what of it
// is taken out.
struct Search {
  int64_t blocks;
  alignas(64) int32_t left[kMaxQuantBlocks];  // filled up with -1 to whole vectors
  uint32_t taken[kMaxQuantBlocks];

  Search(const float* in, int64_t cols) : blocks(cols / kQuantElements) {
    for (int64_t block = 0; block < blocks; ++block) {
      left[block] = Rest(in + block * kQuantElements, 0).largest_bits();
      taken[block] = 0;
    }
    for (int64_t block = blocks; block % kLanes != 0; ++block) left[block] = -1;
  }

  // The first of the blocks with the largest magnitude.
  int64_t best() const {
    Ints most = set1_ints(-1);
    for (int64_t i = 0; i < blocks; i += kLanes) most = max_ints(most, load_ints(left + i));
    const Ints wanted = set1_ints(largest_int(most));
    for (int64_t i = 0;; i += kLanes) {
      const uint32_t found = equal(load_ints(left + i), wanted);
      if (found != 0) return i + __builtin_ctz(found);
    }
  }
};

static void take_outliers(const float* in, int64_t cols, Search& search, const Row& row) {
  const int64_t count = outliers_of(cols);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t block = search.best();
    const int32_t bits = search.left[block];
    if (bits >= kInfinity || bits == 0) {
      for (; i < count; ++i) row.outliers[i * row.stride] = {0, 0.0f};
      return;
    }
    const float* values = in + block * kQuantElements;
    const int position = Rest(values, search.taken[block]).position_of(bits);
    search.taken[block] |= uint32_t{1} << position;
    search.left[block] = Rest(values, search.taken[block]).largest_bits();
    row.outliers[i * row.stride] = {static_cast<uint32_t>(block * kQuantElements + position),
                                    values[position]};
  }
}

static void quantise_block(const Rest& rest, int32_t bits, int64_t block, const Row& row) {
  alignas(16) int8_t quants[kQuantElements] = {};
  float magnitude;
  memcpy(&magnitude, &bits, 4);
  if (!(magnitude >= 1e-30f) || bits >= kInfinity) {
    row.set_quants(block, quants);
    row.set_block(block, bits >= kInfinity ? NAN : 0.0f, 0, 0);
    return;
  }
  const Floats inverse = set1(127.0f / magnitude);
  const Ints low = store_rounded(quants, mul(rest.first, inverse));
  const Ints high = store_rounded(quants + kLanes, mul(rest.second, inverse));
  row.set_quants(block, quants);
  row.set_block(block, magnitude / 127.0f, sum_ints(add_ints(low, high)), sum_ints(low));
}

void quantise(const float* in, int64_t cols, int64_t token, int64_t tokens,
              const QuantisedRows& out) {
  const Row row(out, cols, token, tokens);
  Search search(in, cols);
  take_outliers(in, cols, search, row);
  for (int64_t block = 0; block < search.blocks; ++block) {
    quantise_block(Rest(in + block * kQuantElements, search.taken[block]), search.left[block],
                   block, row);
  }
}

int64_t part_count(int64_t tokens) { return parts_of(tokens); }

int64_t part_start(int64_t index, int64_t tokens) { return part_at(index, tokens).first; }

}  // namespace quire::QUIRE_ISA
