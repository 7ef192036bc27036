// Element-wise steps of the feed-forward layer and the residual stream.
//
//   silu_mul  out = gate / (1 + exp(-gate)) * up, all [count] float32
//   add       out += in
//   scale     inout *= factor
//
// Parallel over element ranges, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

void silu_mul(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = count - i;
    const Floats g = load_up_to(gate + i, left, 0);
    const Floats silu = div(g, add(set1(1.0f), exp(sub(set1(0.0f), g))));
    store_up_to(out + i, left, mul(silu, load_up_to(up + i, left, 0)));
  }
}

void add_to(const float* in, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = count - i;
    store_up_to(out + i, left, add(load_up_to(out + i, left, 0), load_up_to(in + i, left, 0)));
  }
}

void scale(float factor, int64_t count, float* inout) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = count - i;
    store_up_to(inout + i, left, mul(load_up_to(inout + i, left, 0), set1(factor)));
  }
}

}  // namespace quire::QUIRE_ISA
