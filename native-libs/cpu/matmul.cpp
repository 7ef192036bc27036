// out[token, row] = sum over k of weight[row, k] * in[token, k], for a range of row tiles.
//
//   weight  packed tiles of 16 rows (weight_layout.h)
//   in      quantised [tokens, cols] int16 with a scale per 32 (quantised weights), or float32
//   out     [tokens, out_stride] float32
//
// Parallel over row tiles, by the caller. Within a tile, up to kTokenGroup tokens share an unpacked
// weight. The codes of 16 or 32 columns are summed as exact integers, 255 * 32767 * 32 < 2^31, in
// int16 pairs (vpmaddwd, vpdpwssd), and their offset is taken off; these sums and floats are added
// in k order with fused multiply-add. So a row's bits depend neither on the tokens beside it, nor
// on the split, nor on the instruction set.
#include "simd.h"
#include "weight_layout.h"

namespace quire::QUIRE_ISA {

// Pair (k, k + 1) of a token's quantised activations in every lane.
static inline Ints broadcast_pair(const int16_t* quants) {
  int32_t pair;
  memcpy(&pair, quants, 4);
  return set1_ints(pair);
}

// Adds pairs k, k + 1 of every token; a lone token spreads over several accumulators, so that they
// do not wait for each other.
template <int kTokens, int kChains>
static inline void add_pairs(Ints (&acc)[kTokens][kChains], int chain, Ints weights,
                             const int16_t* const (&quants)[kTokens], int64_t k) {
  for (int t = 0; t < kTokens; ++t) {
    acc[t][chain % kChains] =
        dot_pairs(acc[t][chain % kChains], weights, broadcast_pair(quants[t] + k));
  }
}

template <int kTokens, int kChains>
static inline Ints total(const Ints (&acc)[kTokens][kChains], int t) {
  Ints out = acc[t][0];
  for (int chain = 1; chain < kChains; ++chain) out = add_ints(out, acc[t][chain]);
  return out;
}

// Four pairs of 4-bit codes from the 4 bytes of each row (weight_layout.h).
static inline void load_nibbles(const uint8_t* plane, Ints (&pairs)[4]) {
  const Ints x = load_ints(plane);
  pairs[0] = and_ints(x, 0x000F000F);
  pairs[1] = and_ints(shift_halves<4>(x), 0x000F000F);
  pairs[2] = and_ints(shift_halves<8>(x), 0x000F000F);
  pairs[3] = shift_halves<12>(x);
}

// The same, each looked up in a table of 16 bytes.
static inline void load_from_table(const uint8_t* plane, const uint8_t* table, Ints (&pairs)[4]) {
  const Ints values = load_table(table);
  const Ints x = load_ints(plane);
  const Ints even = look_up(values, and_ints(x, 0x0F0F0F0F));
  const Ints odd = look_up(values, and_ints(shift_halves<4>(x), 0x0F0F0F0F));
  pairs[0] = and_ints(even, 0x00FF00FF);
  pairs[1] = and_ints(odd, 0x00FF00FF);
  pairs[2] = shift_halves<8>(even);
  pairs[3] = shift_halves<8>(odd);
}

// Four pairs of 8-bit codes, from 8 bytes of each row.
static inline void load_bytes(const uint8_t* plane, Ints (&pairs)[4]) {
  const Ints first = load_ints(plane);
  const Ints second = load_ints(plane + 64);
  pairs[0] = and_ints(first, 0x00FF00FF);
  pairs[1] = shift_halves<8>(first);
  pairs[2] = and_ints(second, 0x00FF00FF);
  pairs[3] = shift_halves<8>(second);
}

// Bits kFrom and above of every int16 moved to kTo and above.
template <int kFrom, int kTo>
static inline Ints move_bits(Ints x) {
  if constexpr (kFrom >= kTo) {
    return shift_halves<kFrom - kTo>(x);
  } else {
    return shift_halves_left<kTo - kFrom>(x);
  }
}

// Adds the bits of pair i, which follow each other in x, to bits kTo and above of `pairs`.
template <int kBits, int kTo>
static inline void add_bits(Ints x, Ints (&pairs)[4]) {
  constexpr int32_t kMask = ((1 << kBits) - 1) * 0x00010001 << kTo;
  pairs[0] = or_ints(pairs[0], and_ints(move_bits<0, kTo>(x), kMask));
  pairs[1] = or_ints(pairs[1], and_ints(move_bits<kBits, kTo>(x), kMask));
  pairs[2] = or_ints(pairs[2], and_ints(move_bits<2 * kBits, kTo>(x), kMask));
  pairs[3] = or_ints(pairs[3], and_ints(move_bits<3 * kBits, kTo>(x), kMask));
}

// A row's 4 bytes of a plane of one or two bits hold several runs: brings `run` to the lowest bits.
template <int kBits>
static inline Ints load_run(const uint8_t* plane, int run) {
  if constexpr (kBits == 2) {
    const Ints x = load_ints(plane + 64 * (run / 2));
    return run % 2 == 0 ? x : shift_halves<8>(x);
  } else {
    const Ints x = load_ints(plane);
    switch (run) {
      case 0:
        return x;
      case 1:
        return shift_halves<4>(x);
      case 2:
        return shift_halves<8>(x);
      default:
        return shift_halves<12>(x);
    }
  }
}

// Codes of columns 8 run ... 8 run + 7 of a block, as pairs of int16 for each of 16 rows.
template <int32_t kType>
static inline void load_codes(const uint8_t* block, int run, Ints (&pairs)[4]) {
  constexpr QuantFormat kFormat = format_of(kType);
  if constexpr (kFormat.low_bits == 8) {
    load_bytes(block + 128 * run, pairs);
  } else if constexpr (kFormat.table != nullptr) {
    load_from_table(block + 64 * run, kFormat.table, pairs);
  } else if constexpr (kFormat.low_bits == 4) {
    load_nibbles(block + 64 * run, pairs);
  } else {
    for (Ints& pair : pairs) pair = zero_ints();
    add_bits<2, 0>(load_run<2>(block, run), pairs);
  }
  if constexpr (kFormat.high_bits > 0) {
    add_bits<kFormat.high_bits, kFormat.low_bits>(
        load_run<kFormat.high_bits>(block + low_bytes(kFormat), run), pairs);
  }
}

// Scales and minima of one group of columns, for 16 rows.
struct GroupScale {
  Floats scale, minimum;
};

// Of group `group` of the unit whose scales these are. A product is exact: 11 bits times 8.
template <int32_t kType>
static inline GroupScale load_scale(const uint8_t* scales, int64_t group) {
  constexpr QuantFormat kFormat = format_of(kType);
  const uint16_t* halves = reinterpret_cast<const uint16_t*>(scales);
  GroupScale out = {kFormat.scale == Scale::kBfloat ? load_bfloat(halves) : load_half(halves),
                    kFormat.minimum ? load_half(halves + kLanes) : set1(0)};
  if constexpr (kFormat.scale == Scale::kProduct) {
    const uint8_t* factors = scales + factor_start(kFormat) + group * kLanes;
    out.scale = mul(out.scale, load_signed_bytes(factors));
    if constexpr (kFormat.minimum) {
      out.minimum = mul(out.minimum, load_signed_bytes(factors + factor_bytes(kFormat)));
    }
  }
  return out;
}

template <int kTokens>
struct QuantisedGroup {
  static constexpr int kChains = kTokens == 1 ? 4 : kTokens <= 3 ? 2 : 1;
  const int16_t* quants[kTokens];
  const QuantBlock* blocks[kTokens];
  float* out[kTokens];

  QuantisedGroup(const Activations& in, int64_t cols, int64_t token, float* to, int64_t stride) {
    for (int t = 0; t < kTokens; ++t) {
      quants[t] = in.quants + (token + t) * cols;
      blocks[t] = in.blocks + (token + t) * (cols / kQuantElements);
      out[t] = to + (token + t) * stride;
    }
  }

  // Adds columns kQuantElements * block + group * kFormat.group and following: one scale.
  template <int32_t kType>
  void add_group(const uint8_t* codes, const GroupScale& scale, int64_t block, int group,
                 Floats (&y)[kTokens]) const {
    constexpr QuantFormat kFormat = format_of(kType);
    constexpr int kRuns = kFormat.group / 8;
    Ints acc[kTokens][kChains];
    for (int t = 0; t < kTokens; ++t) {
      for (int chain = 0; chain < kChains; ++chain) acc[t][chain] = zero_ints();
    }
    // Unrolled, so that the accumulators' indexes are constants and they stay in registers.
#pragma GCC unroll kUnroll
    for (int run = group * kRuns; run < group * kRuns + kRuns; ++run) {
      Ints pairs[4];
      load_codes<kType>(codes, run, pairs);
      const int64_t k = block * kQuantElements + 8 * run;
      add_pairs(acc, 0, pairs[0], quants, k);
      add_pairs(acc, 1, pairs[1], quants, k + 2);
      add_pairs(acc, 2, pairs[2], quants, k + 4);
      add_pairs(acc, 3, pairs[3], quants, k + 6);
    }
    for (int t = 0; t < kTokens; ++t) {
      const QuantBlock& activation = blocks[t][block];
      // 128 times the sum of the group's activations.
      const int32_t sum = kFormat.group == kQuantElements ? activation.offset_sum
                          : group == 0 ? activation.first_sum
                                       : activation.offset_sum - activation.first_sum;
      Ints exact = total(acc, t);
      if constexpr (kFormat.offset > 0) {
        exact = sub_ints(exact, set1_ints(sum / (128 / kFormat.offset)));
      }
      y[t] = fmadd(mul(scale.scale, set1(activation.scale)), to_floats(exact), y[t]);
      if constexpr (kFormat.minimum) {
        const float scaled = kFormat.group == kQuantElements
                                 ? activation.scaled_sum
                                 : activation.scale * static_cast<float>(sum / 128);
        const bool subtracted = kFormat.scale == Scale::kProduct;
        y[t] = fmadd(scale.minimum, set1(subtracted ? -scaled : scaled), y[t]);
      }
    }
  }

  template <int32_t kType>
  void add_tile(const uint8_t* tile, int64_t cols, int64_t row, int64_t rows) const {
    constexpr QuantFormat kFormat = format_of(kType);
    constexpr int kBlocks = kFormat.unit / kQuantElements;
    constexpr int kGroups = kQuantElements / kFormat.group;
    const TileLayout layout = tile_layout(kFormat, cols);
    const uint8_t* codes = tile;
    const uint8_t* scales = tile + layout.scale_start;
    Floats y[kTokens];
    for (int t = 0; t < kTokens; ++t) y[t] = set1(0);
    for (int64_t unit = 0; unit < cols / kFormat.unit; ++unit) {
      for (int i = 0; i < kBlocks; ++i) {
        const int64_t block = unit * kBlocks + i;
#pragma GCC unroll kUnroll
        for (int group = 0; group < kGroups; ++group) {
          const GroupScale scale = load_scale<kType>(scales, i * kGroups + group);
          add_group<kType>(codes + i * block_bytes(kFormat), scale, block, group, y);
        }
      }
      codes += layout.code_stride;
      scales += layout.scale_stride;
    }
    for (int t = 0; t < kTokens; ++t) store_up_to(out[t] + row, rows - row, y[t]);
  }
};

// Elements of float weights, 16 at a time.
struct Float {
  float value;
};
struct Half {
  uint16_t bits;
};
struct Bfloat {
  uint16_t bits;
};
static inline Floats load_weight(const Float* in) { return load(&in->value); }
static inline Floats load_weight(const Half* in) { return load_half(&in->bits); }
static inline Floats load_weight(const Bfloat* in) { return load_bfloat(&in->bits); }

// `kTiles` neighbouring row tiles for `kTokens` tokens: several chains hide the latency of one.
template <int kTokens, int kTiles, typename Element>
static void float_tokens(const Weight& weight, const Activations& in, int64_t token, int64_t tile,
                         float* out, int64_t out_stride) {
  const int64_t tile_bytes = row_tile_bytes(weight.type, weight.cols);
  const Element* packed[kTiles];
  for (int i = 0; i < kTiles; ++i) {
    packed[i] = reinterpret_cast<const Element*>(weight.packed + (tile + i) * tile_bytes);
  }
  const float* values[kTokens];
  for (int t = 0; t < kTokens; ++t) values[t] = in.values + (token + t) * in.stride;
  Floats y[kTokens][kTiles];
  for (int t = 0; t < kTokens; ++t) {
    for (int i = 0; i < kTiles; ++i) y[t][i] = set1(0);
  }
  for (int64_t k = 0; k < weight.cols; ++k) {
    for (int i = 0; i < kTiles; ++i) {
      const Floats w = load_weight(packed[i] + k * kLanes);
      for (int t = 0; t < kTokens; ++t) y[t][i] = fmadd(w, set1(values[t][k]), y[t][i]);
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int i = 0; i < kTiles; ++i) {
      const int64_t row = (tile + i) * kLanes;
      store_up_to(out + (token + t) * out_stride + row, weight.rows - row, y[t][i]);
    }
  }
}

template <typename Element>
static void float_tile(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile,
                       float* out, int64_t out_stride) {
  int64_t token = 0;
  for (; token + kTokenGroup <= tokens; token += kTokenGroup) {
    float_tokens<kTokenGroup, 1, Element>(weight, in, token, tile, out, out_stride);
  }
  for (; token + 2 <= tokens; token += 2) {
    float_tokens<2, 1, Element>(weight, in, token, tile, out, out_stride);
  }
  for (; token < tokens; ++token) {
    float_tokens<1, 1, Element>(weight, in, token, tile, out, out_stride);
  }
}

template <typename Element>
static void matmul_float(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                         int64_t end, float* out, int64_t out_stride) {
  int64_t tile = begin;
  if (tokens <= 2) {
    for (; tile + 4 <= end; tile += 4) {
      if (tokens == 1) float_tokens<1, 4, Element>(weight, in, 0, tile, out, out_stride);
      if (tokens == 2) float_tokens<2, 4, Element>(weight, in, 0, tile, out, out_stride);
    }
  }
  for (; tile < end; ++tile) float_tile<Element>(weight, in, tokens, tile, out, out_stride);
}

template <int32_t kType, int kTokens>
static void quantised_tokens(const Weight& weight, const Activations& in, int64_t token,
                             int64_t tile, float* out, int64_t out_stride) {
  const QuantisedGroup<kTokens> group(in, weight.cols, token, out, out_stride);
  const int64_t tile_bytes = tile_layout(format_of(kType), weight.cols).bytes;
  group.template add_tile<kType>(weight.packed + tile * tile_bytes, weight.cols, tile * kLanes,
                                 weight.rows);
}

template <int32_t kType>
static void quantised_tile(const Weight& weight, const Activations& in, int64_t tokens,
                           int64_t tile, float* out, int64_t out_stride) {
  int64_t token = 0;
  for (; token + kTokenGroup <= tokens; token += kTokenGroup) {
    quantised_tokens<kType, kTokenGroup>(weight, in, token, tile, out, out_stride);
  }
  if (token + 4 <= tokens) {
    quantised_tokens<kType, 4>(weight, in, token, tile, out, out_stride);
    token += 4;
  }
  switch (tokens - token) {
    case 3:
      return quantised_tokens<kType, 3>(weight, in, token, tile, out, out_stride);
    case 2:
      return quantised_tokens<kType, 2>(weight, in, token, tile, out, out_stride);
    case 1:
      return quantised_tokens<kType, 1>(weight, in, token, tile, out, out_stride);
  }
}

template <int32_t kType>
static void matmul_quantised(const Weight& weight, const Activations& in, int64_t tokens,
                             int64_t begin, int64_t end, float* out, int64_t out_stride) {
  for (int64_t tile = begin; tile < end; ++tile) {
    quantised_tile<kType>(weight, in, tokens, tile, out, out_stride);
  }
}

using Matmul = void (*)(const Weight&, const Activations&, int64_t, int64_t, int64_t, float*,
                        int64_t);

static Matmul matmul_of(int32_t type) {
  switch (type) {
    case QUIRE_F16:
      return matmul_float<Half>;
    case QUIRE_BF16:
      return matmul_float<Bfloat>;
    case QUIRE_Q4_0:
      return matmul_quantised<QUIRE_Q4_0>;
    case QUIRE_Q4_1:
      return matmul_quantised<QUIRE_Q4_1>;
    case QUIRE_Q5_0:
      return matmul_quantised<QUIRE_Q5_0>;
    case QUIRE_Q5_1:
      return matmul_quantised<QUIRE_Q5_1>;
    case QUIRE_Q8_0:
      return matmul_quantised<QUIRE_Q8_0>;
    case QUIRE_Q2_K:
      return matmul_quantised<QUIRE_Q2_K>;
    case QUIRE_Q3_K:
      return matmul_quantised<QUIRE_Q3_K>;
    case QUIRE_Q4_K:
      return matmul_quantised<QUIRE_Q4_K>;
    case QUIRE_Q5_K:
      return matmul_quantised<QUIRE_Q5_K>;
    case QUIRE_Q6_K:
      return matmul_quantised<QUIRE_Q6_K>;
    case QUIRE_IQ4_NL:
      return matmul_quantised<QUIRE_IQ4_NL>;
    case QUIRE_MXFP4:
      return matmul_quantised<QUIRE_MXFP4>;
    default:
      return matmul_float<Float>;
  }
}

void matmul(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
            int64_t tile_end, float* out, int64_t out_stride) {
  matmul_of(weight.type)(weight, in, tokens, tile_begin, tile_end, out, out_stride);
}

}  // namespace quire::QUIRE_ISA
