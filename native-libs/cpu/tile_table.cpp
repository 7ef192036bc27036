// VNNI's table with products in tiles (matmul_tiles.cpp), from a fifth token on: up to there a
// product waits for memory, and every thread quantises all rows for itself, in VNNI's layout. From
// there a row is a part of its own (activations.h), which is how tiles load them.
//
// Run in emulation only so far: no processor with AMX was at hand, so that the bits are known and
// neither the time nor the best number of tokens is.
#include "tile_table.h"

#include "weight_layout.h"

namespace quire::QUIRE_ISA {

void matmul_tiles(const Weight&, const Activations&, int64_t, int64_t, int64_t, const Products&);

static int64_t parts_of_tokens(int64_t tokens) { return tokens <= kRedundantTokens ? 1 : tokens; }

static int64_t part_start(int64_t index, int64_t tokens) {
  return tokens * index / parts_of_tokens(tokens);
}

static void quantise(const float* in, int64_t cols, int64_t token, int64_t tokens,
                     const QuantisedRows& out) {
  if (tokens <= kRedundantTokens) return vnni_kernels()->quantise(in, cols, token, tokens, out);
  const QuantisedRows row = {out.quants + token * cols,
                             out.blocks + token * (cols / kQuantElements) * kBlockFields,
                             out.outliers + token * outliers_of(cols)};
  vnni_kernels()->quantise(in, cols, 0, 1, row);
}

static void matmul(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
                   int64_t tile_end, const Products& to) {
  const bool quantised = format_of(weight.type).low_bits > 0;
  const auto product =
      quantised && tokens > kRedundantTokens ? matmul_tiles : vnni_kernels()->matmul;
  product(weight, in, tokens, tile_begin, tile_end, to);
}

static KernelTable with_tiles(const KernelTable& rest) {
  KernelTable table = rest;
  table.parts_of = parts_of_tokens;
  table.part_start = part_start;
  table.quantise = quantise;
  table.matmul = matmul;
  return table;
}

}  // namespace quire::QUIRE_ISA

#define QUIRE_JOIN(a, b) a##b
#define QUIRE_TABLE(isa) QUIRE_JOIN(isa, _kernels)

const quire::KernelTable* quire::QUIRE_TABLE(QUIRE_ISA)(bool bfloat) {
  if (bfloat) {
    static const KernelTable table = QUIRE_ISA::with_tiles(*bfloat_kernels());
    return &table;
  }
  static const KernelTable table = QUIRE_ISA::with_tiles(*vnni_kernels());
  return &table;
}
