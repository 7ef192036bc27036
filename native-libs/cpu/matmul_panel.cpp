// Products of quantised weights with several parts of tokens (activations.h): a row tile is
// unpacked once (panel.h), and up to kTokenGroup tokens at a time stream it. This is one product
// for five kinds of codes.
#include "matmul.h"
#include "panel.h"

namespace quire::QUIRE_ISA {

template <int kGroup, int kOffset, bool kMinimum, bool kWide>
struct Kind {
  static constexpr int kGroups = kQuantElements / kGroup;  // of a block
  static constexpr int kVectors = kGroup / 4;

  // Rows of the tile for tokens [token, token + kTokens).
  template <int kTokens>
  static void tokens(const Panel& panel, const Ahead& ahead, const Activations& in, int64_t cols,
                     int64_t token, const Products& to, int64_t row, int64_t rows) {
    const PartView<kTokens> part(in.quantised, cols, token);
    Floats y[kTokens];
    for (int t = 0; t < kTokens; ++t) y[t] = set1(0);
    for (int64_t block = 0; block < cols / kQuantElements; ++block) {
      ahead.ask(block);
#pragma GCC unroll kUnroll
      for (int group = 0; group < kGroups; ++group) {
        Ints acc[kTokens];
#pragma GCC unroll kTokenGroup
        for (int t = 0; t < kTokens; ++t) {
          acc[t] = start_of<kOffset, kGroups>(part, block, group, t);
        }
#pragma GCC unroll kUnroll
        for (int i = 0; i < kVectors; ++i) {
          const int64_t vector = block * kCodeVectors + group * kVectors + i;
          const Ints four = load_ints(panel.codes + 64 * vector);
#pragma GCC unroll kTokenGroup
          for (int t = 0; t < kTokens; ++t) {
            acc[t] = dot_at<kWide>(acc[t], four, part.four(vector, t));
          }
        }
        const GroupScale scale = panel.scale_of<kMinimum>(block * kGroups + group);
#pragma GCC unroll kTokenGroup
        for (int t = 0; t < kTokens; ++t) {
          y[t] = add_group<kMinimum, kGroups>(y[t], acc[t], scale, part, block, group, t);
        }
      }
    }
    for (int64_t i = 0; i < outliers_of(cols); ++i) {
#pragma GCC unroll kTokenGroup
      for (int t = 0; t < kTokens; ++t) {
        const Outlier& outlier = part.outlier(i, t);
        y[t] = add_outlier<kOffset, kMinimum>(
            y[t], load_ints(panel.codes + outlier.column / 4 * 64),
            panel.scale_of<kMinimum>(outlier.column / kGroup), outlier);
      }
    }
#pragma GCC unroll kTokenGroup
    for (int t = 0; t < kTokens; ++t) put(to, token + t, row, rows, y[t]);
  }

  // As many tokens as kTokens or fewer.
  template <int kTokens>
  static void up_to(int64_t count, const Panel& panel, const Ahead& ahead, const Activations& in,
                    int64_t cols, int64_t token, const Products& to, int64_t row, int64_t rows) {
    if (count == kTokens) {
      return tokens<kTokens>(panel, ahead, in, cols, token, to, row, rows);
    }
    if constexpr (kTokens > 1) {
      up_to<kTokens - 1>(count, panel, ahead, in, cols, token, to, row, rows);
    }
  }

  static void tile(const Panel& panel, const Ahead& ahead, const Activations& in, int64_t cols,
                   int64_t count, const Products& to, int64_t row, int64_t rows) {
    for (int64_t index = 0; index < parts_of(count); ++index) {
      const Part part = part_at(index, count);
      up_to<kTokenGroup>(part.count, panel, index == 0 ? ahead : Ahead{}, in, cols, part.first, to,
                         row, rows);
    }
  }
};

void matmul_panel(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                  int64_t end, const Products& to) {
  with_type(weight.type, [&](auto type) {
    constexpr QuantFormat kFormat = format_of(type.value);
    constexpr CodeKind kKind = kind_of(kFormat);
    const Panel panel(in.panel, weight.cols, kKind.group);
    const int64_t tile_bytes = tile_layout(kFormat, weight.cols).bytes();
    for (int64_t tile = begin; tile < end; ++tile) {
      unpack<type.value>(weight.packed + tile * tile_bytes, weight.cols, panel);
      Kind<kKind.group, kKind.offset, kKind.minimum, kKind.wide>::tile(
          panel, ahead_of(weight, tile, end, tile_bytes), in, weight.cols, tokens, to,
          tile * kLanes, weight.rows);
    }
  });
}

}  // namespace quire::QUIRE_ISA
