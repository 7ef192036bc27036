// Products of quantised weights with many tokens in AMX tiles: a row tile is unpacked (panel.h),
// and the tiles sum its codes times the activations of up to 16 tokens (amx_tile.h), kChunk groups
// at a time, so that the sums stay in the first-level cache. They are exact, and what is made of
// them is matmul_panel.cpp's, in its order: so are the bits.
//
// A row of activations is a part of its own (tile_table.cpp), as tiles want it.
#include "amx_tile.h"
#include "matmul.h"
#include "panel.h"

namespace quire::QUIRE_ISA {

template <int kGroup, int kOffset, bool kMinimum>
struct TileProduct {
  static constexpr int kGroups = kQuantElements / kGroup;  // of a block
  static constexpr int kChunk = 16;                        // groups that are summed at once
  static_assert(kChunk % kGroups == 0);

  const Activations& in;
  int64_t cols, tokens;
  const Products& to;

  // Groups [first, first + count) of one token; the sums of its groups are `stride` apart.
  static Floats add_groups(const Panel& panel, const PartView<1>& token, int64_t first, int count,
                           const int32_t* sums, int64_t stride, Floats y) {
    for (int i = 0; i < count; ++i) {
      const int64_t block = (first + i) / kGroups;
      const int group = i % kGroups;
      const Ints exact = add_ints(start_of<kOffset, kGroups>(token, block, group, 0),
                                  load_ints(sums + i * stride));
      const GroupScale scale = panel.scale_of<kMinimum>(first + i);
      y = add_group<kMinimum, kGroups>(y, exact, scale, token, block, group, 0);
    }
    return y;
  }

  Floats add_outliers(const Panel& panel, const PartView<1>& token, Floats y) const {
    for (int64_t i = 0; i < outliers_of(cols); ++i) {
      const Outlier& outlier = token.outlier(i, 0);
      y = add_outlier<kOffset, kMinimum>(y, load_ints(panel.codes + outlier.column / 4 * 64),
                                         panel.scale_of<kMinimum>(outlier.column / kGroup),
                                         outlier);
    }
    return y;
  }

  // Rows of the tile for tokens [token, token + count), 16 or the rest.
  void add_tokens(const Panel& panel, const Ahead& ahead, int64_t token, int64_t count, int64_t row,
                  int64_t rows) const {
    alignas(64) int32_t sums[kChunk * kTileTokens * kLanes];
    Floats y[kTileTokens];
    for (int64_t t = 0; t < count; ++t) y[t] = set1(0);
    const int64_t groups = cols / kGroup;
    for (int64_t first = 0; first < groups; first += kChunk) {
      const int chunk = static_cast<int>(groups - first < kChunk ? groups - first : kChunk);
      for (int i = 0; i < chunk; i += kGroups) ahead.ask((first + i) / kGroups);
      tile_sums<kGroup>(panel.codes + first * kGroup * kLanes,
                        in.quantised.quants + token * cols + first * kGroup, cols, count, chunk,
                        sums);
      for (int64_t t = 0; t < count; ++t) {
        y[t] = add_groups(panel, PartView<1>(in.quantised, cols, token + t), first, chunk,
                          sums + t * kLanes, count * kLanes, y[t]);
      }
    }
    for (int64_t t = 0; t < count; ++t) {
      const PartView<1> view(in.quantised, cols, token + t);
      put(to, token + t, row, rows, add_outliers(panel, view, y[t]));
    }
  }

  void add_tile(const Panel& panel, const Ahead& ahead, int64_t row, int64_t rows) const {
    for (int64_t token = 0; token < tokens; token += kTileTokens) {
      const int64_t count = tokens - token < kTileTokens ? tokens - token : kTileTokens;
      add_tokens(panel, token == 0 ? ahead : Ahead{}, token, count, row, rows);
    }
  }
};

void matmul_tiles(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                  int64_t end, const Products& to) {
  with_type(weight.type, [&](auto type) {
    constexpr QuantFormat kFormat = format_of(type.value);
    constexpr CodeKind kKind = kind_of(kFormat);
    const TileProduct<kKind.group, kKind.offset, kKind.minimum> product = {in, weight.cols, tokens,
                                                                           to};
    const Panel panel(in.panel, weight.cols, kKind.group);
    const int64_t tile_bytes = tile_layout(kFormat, weight.cols).bytes();
    configure_tiles(tokens, kKind.group);
    for (int64_t tile = begin; tile < end; ++tile) {
      unpack<type.value>(weight.packed + tile * tile_bytes, weight.cols, panel);
      product.add_tile(panel, ahead_of(weight, tile, end, tile_bytes), tile * kLanes, weight.rows);
    }
    release_tiles();
  });
}

}  // namespace quire::QUIRE_ISA
