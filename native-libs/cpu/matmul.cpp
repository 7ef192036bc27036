// out[token, row] = sum over k of weight[row, k] * in[token, k], for a range of row tiles.
//
//   weight  packed tiles of 16 rows (weight_layout.h)
//   in      quantised [tokens, cols] int16 with a scale per 32 (quantised weights), or float32
//   out     [tokens, out_stride] float32
//
// Parallel over row tiles, by the caller. Within a tile, up to kTokenGroup tokens share an unpacked
// weight. A quantised block is an exact integer sum, 255 * 32767 * 32 < 2^31, in int16 pairs
// (vpmaddwd, vpdpwssd); blocks and floats are added in k order with fused multiply-add. So a row's
// bits depend neither on the tokens beside it, nor on the split, nor on the instruction set.
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

  void finish(const Floats (&y)[kTokens], int64_t row, int64_t rows) const {
    for (int t = 0; t < kTokens; ++t) store_up_to(out[t] + row, rows - row, y[t]);
  }

  void tile_q4_1(const uint8_t* tile, int64_t cols, int64_t row, int64_t rows) const {
    Floats y[kTokens];
    for (int t = 0; t < kTokens; ++t) y[t] = set1(0);
    for (int64_t block = 0; block < cols / kQuantElements; ++block, tile += kQ41Bytes) {
      Ints acc[kTokens][kChains];
      for (int t = 0; t < kTokens; ++t) {
        for (int chain = 0; chain < kChains; ++chain) acc[t][chain] = zero_ints();
      }
#pragma GCC unroll kUnroll
      for (int run = 0; run < 4; ++run) {
        const Ints nibbles = load_ints(tile + 64 * run);
        const int64_t k = block * kQuantElements + 8 * run;
        add_pairs(acc, 0, and_ints(nibbles, 0x000F000F), quants, k);
        add_pairs(acc, 1, and_ints(shift_halves<4>(nibbles), 0x000F000F), quants, k + 2);
        add_pairs(acc, 2, and_ints(shift_halves<8>(nibbles), 0x000F000F), quants, k + 4);
        add_pairs(acc, 3, shift_halves<12>(nibbles), quants, k + 6);
      }
      const Floats scale = load_half(reinterpret_cast<const uint16_t*>(tile + 256));
      const Floats minimum = load_half(reinterpret_cast<const uint16_t*>(tile + 288));
      for (int t = 0; t < kTokens; ++t) {
        const QuantBlock& activation = blocks[t][block];
        y[t] = fmadd(mul(scale, set1(activation.scale)), to_floats(total(acc, t)), y[t]);
        y[t] = fmadd(minimum, set1(activation.scaled_sum), y[t]);
      }
    }
    finish(y, row, rows);
  }

  void tile_q8_0(const uint8_t* tile, int64_t cols, int64_t row, int64_t rows) const {
    Floats y[kTokens];
    for (int t = 0; t < kTokens; ++t) y[t] = set1(0);
    const int64_t count = cols / kQuantElements;
    const uint16_t* scales = reinterpret_cast<const uint16_t*>(tile + count * kQ80Quants);
    for (int64_t block = 0; block < count; ++block, tile += kQ80Quants, scales += kLanes) {
      Ints acc[kTokens][kChains];
      for (int t = 0; t < kTokens; ++t) {
        for (int chain = 0; chain < kChains; ++chain) acc[t][chain] = zero_ints();
      }
      // Unrolled, so that the accumulators' indexes are constants and they stay in registers.
#pragma GCC unroll kUnroll
      for (int run = 0; run < 8; ++run) {
        const Ints bytes = load_ints(tile + 64 * run);
        const int64_t k = block * kQuantElements + 4 * run;
        add_pairs(acc, 2 * run, and_ints(bytes, 0x00FF00FF), quants, k);
        add_pairs(acc, 2 * run + 1, shift_halves<8>(bytes), quants, k + 2);
      }
      const Floats scale = load_half(scales);
      for (int t = 0; t < kTokens; ++t) {
        const QuantBlock& activation = blocks[t][block];
        // The weights are stored + 128.
        const Ints exact = sub_ints(total(acc, t), set1_ints(activation.offset_sum));
        y[t] = fmadd(mul(scale, set1(activation.scale)), to_floats(exact), y[t]);
      }
    }
    finish(y, row, rows);
  }
};

template <int kTokens>
static void quantised_tokens(const Weight& weight, const Activations& in, int64_t token,
                             int64_t tile, float* out, int64_t out_stride) {
  const QuantisedGroup<kTokens> group(in, weight.cols, token, out, out_stride);
  const uint8_t* packed = weight.packed + tile * row_tile_bytes(weight.type, weight.cols);
  if (weight.type == QUIRE_Q4_1) {
    group.tile_q4_1(packed, weight.cols, tile * kLanes, weight.rows);
  } else {
    group.tile_q8_0(packed, weight.cols, tile * kLanes, weight.rows);
  }
}

static inline Floats load_weight(const float* in) { return load(in); }
static inline Floats load_weight(const uint16_t* in) { return load_half(in); }

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

static void quantised_tile(const Weight& weight, const Activations& in, int64_t tokens,
                           int64_t tile, float* out, int64_t out_stride) {
  int64_t token = 0;
  for (; token + kTokenGroup <= tokens; token += kTokenGroup) {
    quantised_tokens<kTokenGroup>(weight, in, token, tile, out, out_stride);
  }
  if (token + 4 <= tokens) {
    quantised_tokens<4>(weight, in, token, tile, out, out_stride);
    token += 4;
  }
  switch (tokens - token) {
    case 3:
      return quantised_tokens<3>(weight, in, token, tile, out, out_stride);
    case 2:
      return quantised_tokens<2>(weight, in, token, tile, out, out_stride);
    case 1:
      return quantised_tokens<1>(weight, in, token, tile, out, out_stride);
  }
}

void matmul(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
            int64_t tile_end, float* out, int64_t out_stride) {
  if (weight.type == QUIRE_F32) {
    matmul_float<float>(weight, in, tokens, tile_begin, tile_end, out, out_stride);
  } else if (weight.type == QUIRE_F16) {
    matmul_float<uint16_t>(weight, in, tokens, tile_begin, tile_end, out, out_stride);
  } else {
    for (int64_t tile = tile_begin; tile < tile_end; ++tile) {
      quantised_tile(weight, in, tokens, tile, out, out_stride);
    }
  }
}

}  // namespace quire::QUIRE_ISA
