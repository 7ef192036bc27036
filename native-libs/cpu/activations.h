// Where quantised activations lie: x = scale * q, 32 columns at a time (quantise.cpp).
//
// Tokens are cut into even parts of up to kTokenGroup (for tiles, of one: tile_table.cpp). One
// thread prepares a part: two would write to the same cache lines. Within a part of T tokens they
// are interleaved, so that a product reaches all of them from one pointer:
//
//   quants    [cols / 4][T][4] int8
//   blocks    [cols / 32][kBlockFields][T]: scale, scale * sum of q, both float32; -128 * sum of q
//             and the same of the first 16, both int32
//   outliers  [outliers_of(cols)][T]
#ifndef QUIRE_CPU_ACTIVATIONS_H
#define QUIRE_CPU_ACTIVATIONS_H

#include "simd.h"

namespace quire::QUIRE_ISA {

// Tokens [first, first + count) of a step.
struct Part {
  int64_t first, count;
};

// One for few tokens; else an even number, so that two threads get as much to prepare.
static inline int64_t parts_of(int64_t tokens) {
  constexpr int64_t kPair = 2 * kTokenGroup;
  return tokens <= kRedundantTokens ? 1 : (tokens + kPair - 1) / kPair * 2;
}

static inline Part part_at(int64_t index, int64_t tokens) {
  const int64_t parts = parts_of(tokens);
  const int64_t first = tokens * index / parts;
  return {first, tokens * (index + 1) / parts - first};
}

static inline Part part_with(int64_t token, int64_t tokens) {
  return part_at(((token + 1) * parts_of(tokens) - 1) / tokens, tokens);
}

// A part of kTokens tokens.
template <int kTokens>
struct PartView {
  const int8_t* quants;
  const float* blocks;
  const Outlier* outliers;

  PartView(const QuantisedRows& rows, int64_t cols, int64_t first)
      : quants(rows.quants + first * cols),
        blocks(rows.blocks + first * (cols / kQuantElements) * kBlockFields),
        outliers(rows.outliers + first * outliers_of(cols)) {}

  // Columns 4 * vector ... 4 * vector + 3 of token t.
  const int8_t* four(int64_t vector, int t) const { return quants + (vector * kTokens + t) * 4; }

  const float* field(int64_t block, int field, int t) const {
    return blocks + (block * kBlockFields + field) * kTokens + t;
  }
  float scale(int64_t block, int t) const { return *field(block, 0, t); }
  float scaled_sum(int64_t block, int t) const { return *field(block, 1, t); }
  const void* offset_sum(int64_t block, int t) const { return field(block, 2, t); }
  // The second half has what the first has not.
  int32_t half_sum(int64_t block, int half, int t) const {
    int32_t all, first;
    memcpy(&all, field(block, 2, t), 4);
    memcpy(&first, field(block, 3, t), 4);
    return half == 0 ? first : all - first;
  }
  const Outlier& outlier(int64_t i, int t) const { return outliers[i * kTokens + t]; }
};

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_ACTIVATIONS_H
