// One row of a packed weight as float32: the embedding of a token.
//
//   out [cols], the bits that dequantising the GGUF row gives
//
// Parallel over tokens, by the caller. A row is one lane of its row tile, so this reads with a
// stride; it is a few kilobytes per token.
#include "half.h"
#include "simd.h"
#include "weight_layout.h"

namespace quire::QUIRE_ISA {

static uint16_t bits_at(const uint8_t* in, int64_t index) {
  uint16_t bits;
  memcpy(&bits, in + 2 * index, 2);
  return bits;
}

// Element k of a block's plane of `bits` bits.
static int32_t plane_value(const uint8_t* plane, int32_t bits, int64_t lane, int32_t k) {
  const int32_t run = 32 / bits;
  uint32_t word;
  memcpy(&word, plane + k / run * 64 + lane * 4, 4);
  const int32_t within = k % run;
  return static_cast<int32_t>(word >> (within % 4 * 8 + within / 4 * bits) & ((1u << bits) - 1));
}

// What the codes of a group make of themselves: scale * (code - offset) + minimum.
struct RowScale {
  float scale, minimum;
};

static RowScale row_scale(const QuantFormat& format, const uint8_t* scales, int64_t lane,
                          int64_t group) {
  const uint16_t bits = bits_at(scales, lane);
  RowScale out = {format.scale == Scale::kBfloat ? bfloat_to_float(bits) : half_to_float(bits),
                  format.minimum ? half_to_float(bits_at(scales + 32, lane)) : 0};
  if (format.scale == Scale::kProduct) {
    const uint8_t* factors = scales + factor_start(format) + group * kLanes + lane;
    out.scale *= static_cast<float>(static_cast<int8_t>(*factors));
    if (format.minimum) out.minimum *= -static_cast<float>(factors[factor_bytes(format)]);
  }
  return out;
}

static void embed_unit(const QuantFormat& format, const uint8_t* codes, const uint8_t* scales,
                       int64_t lane, float* out) {
  for (int32_t k = 0; k < format.unit; ++k) {
    const uint8_t* block = codes + k / kQuantElements * block_bytes(format);
    const int32_t in_block = k % kQuantElements;
    const RowScale scale = row_scale(format, scales, lane, k / format.group);
    int32_t code = plane_value(block, format.low_bits, lane, in_block);
    if (format.high_bits > 0) {
      code |= plane_value(block + low_bytes(format), format.high_bits, lane, in_block)
              << format.low_bits;
    }
    if (format.table != nullptr) code = format.table[code];
    const float product = scale.scale * static_cast<float>(code - format.offset);
    out[k] = format.minimum ? product + scale.minimum : product;
  }
}

void embed_row(const Weight& weight, int64_t row, float* out) {
  const uint8_t* tile = weight.packed + row / kLanes * row_tile_bytes(weight.type, weight.cols);
  const int64_t lane = row % kLanes;
  if (weight.type == QUIRE_F32) {
    for (int64_t k = 0; k < weight.cols; ++k) memcpy(out + k, tile + (k * kLanes + lane) * 4, 4);
  } else if (weight.type == QUIRE_F16) {
    for (int64_t k = 0; k < weight.cols; ++k) out[k] = half_to_float(bits_at(tile, k * 16 + lane));
  } else if (weight.type == QUIRE_BF16) {
    for (int64_t k = 0; k < weight.cols; ++k) {
      out[k] = bfloat_to_float(bits_at(tile, k * 16 + lane));
    }
  } else {
    const QuantFormat format = format_of(weight.type);
    const TileLayout layout = tile_layout(format, weight.cols);
    for (int64_t unit = 0; unit < weight.cols / format.unit; ++unit) {
      embed_unit(format, tile + layout.codes_at(unit), tile + layout.scales_at(unit), lane,
                 out + unit * format.unit);
    }
  }
}

}  // namespace quire::QUIRE_ISA
