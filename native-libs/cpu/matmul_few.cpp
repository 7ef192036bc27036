// Products of quantised weights with few tokens: a packed tile is read once for each part of them
// (activations.h; the second time from cache), and what a load brings goes to all its tokens at
// once.
#include "matmul.h"
#include "tile_codes.h"

namespace quire::QUIRE_ISA {

template <int32_t kType, int kTokens>
struct FewTokens {
  static constexpr QuantFormat kFormat = format_of(kType);
  static constexpr CodeKind kKind = kind_of(kFormat);
  static constexpr int kBlocks = kFormat.unit / kQuantElements;
  static constexpr int kGroups = kQuantElements / kFormat.group;  // of a block
  static constexpr int kVectors = kCodeVectors / kGroups;         // of a group
  static constexpr int kChains = kTokens == 1 ? 2 : 1;  // a lone sum would wait for itself

  PartView<kTokens> in;
  int64_t cols;
  TileLayout layout;

  FewTokens(const QuantisedRows& rows, int64_t cols, int64_t first)
      : in(rows, cols, first), cols(cols), layout(tile_layout(kFormat, cols)) {}

  // Adds columns 32 * block + group * kFormat.group and following: one scale.
  void add_columns(const uint8_t* codes, const GroupScale& scale, int64_t block, int group,
                   Floats (&y)[kTokens]) const {
    Ints acc[kTokens][kChains];
    for (int t = 0; t < kTokens; ++t) {
      acc[t][0] = start_of<kKind.offset, kGroups>(in, block, group, t);
      for (int chain = 1; chain < kChains; ++chain) acc[t][chain] = zero_ints();
    }
    // Unrolled, so that the accumulators' indexes are constants and they stay in registers.
#pragma GCC unroll kUnroll
    for (int i = 0; i < kVectors; ++i) {
      const int vector = group * kVectors + i;
      const Ints four = codes_at<kType>(codes, vector);
      for (int t = 0; t < kTokens; ++t) {
        acc[t][i % kChains] = dot_at<kKind.wide>(acc[t][i % kChains], four,
                                                 in.four(block * kCodeVectors + vector, t));
      }
    }
    for (int t = 0; t < kTokens; ++t) {
      Ints exact = acc[t][0];
      for (int chain = 1; chain < kChains; ++chain) exact = add_ints(exact, acc[t][chain]);
      y[t] = add_group<kKind.minimum, kGroups>(y[t], exact, scale, in, block, group, t);
    }
  }

  void add_outliers(const uint8_t* tile, Floats (&y)[kTokens]) const {
    for (int t = 0; t < kTokens; ++t) {
      for (int64_t i = 0; i < outliers_of(cols); ++i) {
        const uint32_t column = in.outlier(i, t).column;
        const int64_t unit = column / kFormat.unit;
        const int within = column % kFormat.unit;
        const uint8_t* codes =
            tile + layout.codes_at(unit) + within / kQuantElements * block_bytes(kFormat);
        const GroupScale scale =
            load_scale<kType>(tile + layout.scales_at(unit), within / kFormat.group);
        y[t] = add_outlier<kKind.offset, kKind.minimum>(
            y[t], codes_at<kType>(codes, within % kQuantElements / 4), scale, in.outlier(i, t));
      }
    }
  }

  void add_tile(const uint8_t* tile, Floats (&y)[kTokens]) const {
    for (int64_t unit = 0; unit < layout.units; ++unit) {
      const uint8_t* codes = tile + layout.codes_at(unit);
      const uint8_t* scales = tile + layout.scales_at(unit);
      for (int i = 0; i < kBlocks; ++i) {
#pragma GCC unroll kUnroll
        for (int group = 0; group < kGroups; ++group) {
          add_columns(codes + i * block_bytes(kFormat),
                      load_scale<kType>(scales, i * kGroups + group), unit * kBlocks + i, group, y);
        }
      }
    }
    add_outliers(tile, y);
  }
};

// Row tile `tile` for the tokens of `part`, of which there are kTokens or fewer.
template <int32_t kType, int kTokens>
static void multiply(const Weight& weight, const QuantisedRows& rows, const Part& part,
                     int64_t tile, const Products& to) {
  if constexpr (kTokens > 1) {
    if (part.count < kTokens) {
      return multiply<kType, kTokens - 1>(weight, rows, part, tile, to);
    }
  }
  const FewTokens<kType, kTokens> few(rows, weight.cols, part.first);
  Floats y[kTokens];
  for (int t = 0; t < kTokens; ++t) y[t] = set1(0);
  few.add_tile(weight.packed + tile * few.layout.bytes(), y);
  for (int t = 0; t < kTokens; ++t) {
    put(to, part.first + t, tile * kLanes, weight.rows, y[t]);
  }
}

void matmul_few(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                int64_t end, const Products& to) {
  with_type(weight.type, [&](auto type) {
    for (int64_t tile = begin; tile < end; ++tile) {
      for (int64_t index = 0; index < parts_of(tokens); ++index) {
        multiply<type.value, kTokenGroup>(weight, in.quantised, part_at(index, tokens), tile, to);
      }
    }
  });
}

}  // namespace quire::QUIRE_ISA
