// Activations to 16-bit integers, 32 at a time: x ~ scale * q, |q| <= 32767, scale = max|x| /
// 32767.
//
//   in [cols] float32; quants [cols] int16; blocks [cols / 32]
//
// The error of one element is at most half a step, 1.6e-5 of its block's largest magnitude
// (llama.cpp rounds to 127 steps, 4e-3). Blocks whose largest magnitude is below 1e-30 become zero,
// since the step's inverse would overflow; a block with an infinity or a NaN gets a NaN scale.
#include "simd.h"

namespace quire::QUIRE_ISA {

void quantise(const float* in, int64_t cols, int16_t* quants, QuantBlock* blocks) {
  for (int64_t k = 0; k < cols; k += kQuantElements, ++blocks) {
    const Floats first = load(in + k);
    const Floats second = load(in + k + kLanes);
    // The bits of magnitudes order like the magnitudes, with infinity and NaN on top.
    const int32_t bits =
        largest_int(max_magnitude_bits(max_magnitude_bits(zero_ints(), first), second));
    float magnitude;
    memcpy(&magnitude, &bits, 4);
    if (!(magnitude >= 1e-30f) || bits >= 0x7F800000) {
      memset(quants + k, 0, kQuantElements * sizeof(int16_t));
      const float scale = bits >= 0x7F800000 ? NAN : 0.0f;
      *blocks = {scale, scale, 0, 0};
      continue;
    }
    const float scale = magnitude / 32767.0f;
    const Floats inverse = set1(32767.0f / magnitude);
    const Ints low = store_rounded(quants + k, mul(first, inverse));
    const Ints high = store_rounded(quants + k + kLanes, mul(second, inverse));
    const int32_t total = sum_ints(add_ints(low, high));
    *blocks = {scale, scale * static_cast<float>(total), 128 * total, 128 * sum_ints(low)};
  }
}

}  // namespace quire::QUIRE_ISA
