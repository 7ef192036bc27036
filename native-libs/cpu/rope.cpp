// Rotary embedding (Su et al., 2021, section 3.4.2) of the heads of one token.
//
//   data      [heads, head_dim], rotated in place over elements [begin, end)
//   cos, sin  [rope_dim / 2] at the token's position, times the magnitude
//
// rope_adjacent turns elements 2i and 2i + 1 of each head, the order in which GGUF stores Llama's
// query and key weights: begin and end are even. rope_halves turns i and i + rope_dim / 2, the
// order of the original checkpoints: begin and end are multiples of head_dim. Both use the same
// four products, unfused, so that nothing depends on how the compiler vectorises them.
//
// Parallel over element ranges, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

// 8 pairs at a time: heads and their rotated part are whole vectors.
static void rope_vectors(float* data, int64_t begin, int64_t end, int32_t head_dim,
                         int32_t rope_dim, const float* cos, const float* sin) {
  int32_t within = static_cast<int32_t>(begin % head_dim);
  for (int64_t i = begin; i < end; i += kLanes) {
    if (within < rope_dim) {
      const Floats pairs = load(data + i);
      const Floats c = load_twice(cos + within / 2);
      const Floats s = load_twice(sin + within / 2);
      // x * c - y * s and y * c + x * s.
      store(data + i, add(mul(pairs, c), negate_even(mul(swap_pairs(pairs), s))));
    }
    within += kLanes;
    if (within == head_dim) within = 0;
  }
}

void rope_adjacent(float* data, int64_t begin, int64_t end, int32_t head_dim, int32_t rope_dim,
                   const float* cos, const float* sin) {
  if ((begin | end | head_dim | rope_dim) % kLanes == 0) {
    return rope_vectors(data, begin, end, head_dim, rope_dim, cos, sin);
  }
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

void rope_halves(float* data, int64_t begin, int64_t end, int32_t head_dim, int32_t rope_dim,
                 const float* cos, const float* sin) {
  const int32_t pairs = rope_dim / 2;
  for (int64_t head = begin; head < end; head += head_dim) {
    float* first = data + head;
    float* second = first + pairs;
    for (int32_t i = 0; i < pairs; i += kLanes) {
      const int32_t left = pairs - i;
      const Floats x = load_up_to(first + i, left, 0);
      const Floats y = load_up_to(second + i, left, 0);
      const Floats c = load_up_to(cos + i, left, 0);
      const Floats s = load_up_to(sin + i, left, 0);
      store_up_to(first + i, left, sub(mul(x, c), mul(y, s)));
      store_up_to(second + i, left, add(mul(x, s), mul(y, c)));
    }
  }
}

}  // namespace quire::QUIRE_ISA
