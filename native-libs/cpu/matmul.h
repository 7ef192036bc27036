// out[token, row] = sum over k of weight[row, k] * in[token, k], for a range of row tiles.
//
//   weight  packed tiles of 16 rows (weight_layout.h)
//   in      quantised [tokens, cols] (quantised weights; quantise.cpp), or float32
//   out     [tokens, stride] float32 (Products)
//
// Parallel over row tiles, by the caller. The codes of 16 or 32 columns times the activations are
// summed as exact integers (255 * 127 * 32 < 2^31), their offset taken off; these sums, then the
// outliers, and floats are added in k order with fused multiply-add. So a row's bits depend neither
// on the tokens beside it, nor on the split, nor on the instruction set.
#ifndef QUIRE_CPU_MATMUL_H
#define QUIRE_CPU_MATMUL_H

#include "simd.h"
#include "weight_layout.h"

namespace quire::QUIRE_ISA {

// From how many tokens on it pays to unpack a tile once: one part at a time unpacks on its way,
// which is nearly free where a code takes two instructions.
static constexpr int64_t panel_tokens(const QuantFormat& format) {
  const bool light = format.high_bits == 0 && format.table == nullptr && format.low_bits >= 4;
  return light ? 64 : 2 * kTokenGroup + 1;
}

void matmul_few(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                int64_t end, const Products& to);
void matmul_panel(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                  int64_t end, const Products& to);
void matmul_float(const Weight& weight, const Activations& in, int64_t tokens, int64_t begin,
                  int64_t end, const Products& to);

// A quantised type as a constant.
template <int32_t kType>
struct TypeConstant {
  static constexpr int32_t value = kType;
};

// work(TypeConstant) of a quantised type.
template <typename Work>
static inline void with_type(int32_t type, const Work& work) {
  switch (type) {
    case QUIRE_Q4_0:
      return work(TypeConstant<QUIRE_Q4_0>{});
    case QUIRE_Q4_1:
      return work(TypeConstant<QUIRE_Q4_1>{});
    case QUIRE_Q5_0:
      return work(TypeConstant<QUIRE_Q5_0>{});
    case QUIRE_Q5_1:
      return work(TypeConstant<QUIRE_Q5_1>{});
    case QUIRE_Q8_0:
      return work(TypeConstant<QUIRE_Q8_0>{});
    case QUIRE_Q2_K:
      return work(TypeConstant<QUIRE_Q2_K>{});
    case QUIRE_Q3_K:
      return work(TypeConstant<QUIRE_Q3_K>{});
    case QUIRE_Q4_K:
      return work(TypeConstant<QUIRE_Q4_K>{});
    case QUIRE_Q5_K:
      return work(TypeConstant<QUIRE_Q5_K>{});
    case QUIRE_Q6_K:
      return work(TypeConstant<QUIRE_Q6_K>{});
    case QUIRE_IQ4_NL:
      return work(TypeConstant<QUIRE_IQ4_NL>{});
    case QUIRE_MXFP4:
      return work(TypeConstant<QUIRE_MXFP4>{});
  }
}

static inline void put(const Products& to, int64_t token, int64_t row, int64_t rows, Floats y) {
  float* at = to.out + token * to.stride + row;
  if (to.sums) y = add(load_up_to(at, rows - row, 0), y);
  store_up_to(at, rows - row, y);
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_MATMUL_H
