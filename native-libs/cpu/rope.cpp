// Rotary embedding (Su et al., 2021, section 3.4.2) on pairs (2i, 2i + 1) of each head, the order
// in which GGUF stores Llama's query and key weights.
//
//   data      [heads, head_dim] of one token, rotated in place over elements [begin, end), even
//   bounds cos, sin  [rope_dim / 2] at the token's position
//
// Parallel over element ranges, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

void rope(float* data, int64_t begin, int64_t end, int32_t head_dim, int32_t rope_dim,
          const float* cos, const float* sin) {
  int32_t within = static_cast<int32_t>(begin % head_dim);
  for (int64_t i = begin; i < end; i += 2) {
    if (within < rope_dim) {
      const float x = data[i];
      const float y = data[i + 1];
      const float c = cos[within / 2];
      const float s = sin[within / 2];
      data[i] = x * c - y * s;
      data[i + 1] = x * s + y * c;
    }
    within += 2;
    if (within == head_dim) within = 0;
  }
}

}  // namespace quire::QUIRE_ISA
