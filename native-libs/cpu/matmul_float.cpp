// Products of F32, F16 and BF16 weights: float32 activations and fused multiply-adds.
#include "matmul.h"

namespace quire::QUIRE_ISA {

// Tokens that share a load of weights.
constexpr int kFloatTokens = kTokenGroup < 8 ? 4 : 8;

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
                         const Products& to) {
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
      put(to, token + t, row, weight.rows, y[t][i]);
    }
  }
}

template <typename Element>
static void float_tile(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile,
                       const Products& to) {
  int64_t token = 0;
  for (; token + kFloatTokens <= tokens; token += kFloatTokens) {
    float_tokens<kFloatTokens, 1, Element>(weight, in, token, tile, to);
  }
  for (; token + 2 <= tokens; token += 2) {
    float_tokens<2, 1, Element>(weight, in, token, tile, to);
  }
  for (; token < tokens; ++token) {
    float_tokens<1, 1, Element>(weight, in, token, tile, to);
  }
}

template <typename Element>
static void elements(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                     int64_t end, const Products& to) {
  int64_t tile = begin;
  if (tokens <= 2) {
    for (; tile + 4 <= end; tile += 4) {
      if (tokens == 1) float_tokens<1, 4, Element>(weight, in, 0, tile, to);
      if (tokens == 2) float_tokens<2, 4, Element>(weight, in, 0, tile, to);
    }
  }
  for (; tile < end; ++tile) float_tile<Element>(weight, in, tokens, tile, to);
}

void matmul_float(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                  int64_t end, const Products& to) {
  switch (weight.type) {
    case QUIRE_F16:
      return elements<Half>(weight, in, tokens, begin, end, to);
    case QUIRE_BF16:
      return elements<Bfloat>(weight, in, tokens, begin, end, to);
    default:
      return elements<Float>(weight, in, tokens, begin, end, to);
  }
}

}  // namespace quire::QUIRE_ISA
