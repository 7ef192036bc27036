// One row of a packed weight as float32: the embedding of a token.
//
//   out [cols]
//
// Parallel over tokens, by the caller. A row is one lane of its row tile, so this reads with a
// stride; it is a few kilobytes per token.
#include "half.h"
#include "simd.h"
#include "weight_layout.h"

namespace quire::QUIRE_ISA {

static float half_at(const uint8_t* in, int64_t index) {
  uint16_t half;
  memcpy(&half, in + 2 * index, 2);
  return half_to_float(half);
}

static void embed_q4_1(const uint8_t* tile, int64_t lane, int64_t cols, float* out) {
  for (int64_t k = 0; k < cols; k += kQuantElements, tile += kQ41Bytes) {
    const float scale = half_at(tile + 256, lane);
    const float minimum = half_at(tile + 288, lane);
    for (int i = 0; i < kQuantElements; ++i) {
      // Run i / 8; in it, k = 0, 2, 4, 6 in the low int16 and 1, 3, 5, 7 in the high one.
      const uint8_t* bytes = tile + (i / 8) * 64 + lane * 4 + (i % 2) * 2;
      const int pair = i % 8 / 2;
      const int nibble = bytes[pair / 2] >> (4 * (pair % 2)) & 15;
      out[k + i] = scale * static_cast<float>(nibble) + minimum;
    }
  }
}

static void embed_q8_0(const uint8_t* tile, int64_t lane, int64_t cols, float* out) {
  const uint8_t* scales = tile + cols / kQuantElements * kQ80Quants;
  constexpr int kByte[4] = {0, 2, 1, 3};
  for (int64_t k = 0; k < cols; ++k) {
    const int value = tile[k / 4 * 64 + lane * 4 + kByte[k % 4]] - 128;
    out[k] = half_at(scales, k / kQuantElements * kLanes + lane) * static_cast<float>(value);
  }
}

void embed_row(const Weight& weight, int64_t row, float* out) {
  const uint8_t* tile = weight.packed + row / kLanes * row_tile_bytes(weight.type, weight.cols);
  const int64_t lane = row % kLanes;
  switch (weight.type) {
    case QUIRE_F32:
      for (int64_t k = 0; k < weight.cols; ++k) memcpy(out + k, tile + (k * kLanes + lane) * 4, 4);
      return;
    case QUIRE_F16:
      for (int64_t k = 0; k < weight.cols; ++k) out[k] = half_at(tile, k * kLanes + lane);
      return;
    case QUIRE_Q4_1:
      return embed_q4_1(tile, lane, weight.cols, out);
    default:
      return embed_q8_0(tile, lane, weight.cols, out);
  }
}

}  // namespace quire::QUIRE_ISA
