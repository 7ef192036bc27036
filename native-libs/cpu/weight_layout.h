// Where things lie in a packed weight: tiles of 16 output rows, row tile after row tile, each
// starting on a cache line. Rows are padded to 16 with zeros.
//
//   F32, F16, BF16  [cols][16]
//   quantised       [cols / unit] units, each of codes and scales
//
// An element's weight is scale * (code - offset), plus a minimum in some types; format_of says how
// many bits a code has and how many elements share a scale. A code's bits lie in one or two planes
// of 1, 2, 4 or 8 bits. Of 32 columns (a block), a plane of b bits is [b][16 rows] x 4 bytes: byte
// j of a row's 4 holds columns c + j, c + j + 4, c + j + 8, ... from its lowest bits, 8 / b of
// them, so that one shift and mask gives 16 rows x 4 neighbouring columns of bytes, what one
// vpdpbusd takes.
//
//   codes   [unit / 32] blocks of the low plane and then the high plane
//   scales  unit 32:  scale [16] 2 bytes, minimum [16] f16
//           unit 256: scale [16] f16, minimum [16] f16, then for each group of 16 or 32 columns
//                     factors of the scale [16] int8, then factors of the minimum [16] int8
//
// (without the minima where the type has none). Scales lie before their unit's codes where both
// together fill whole cache lines; else those of two units before both units' codes. Thus a tile is
// read in one direction: with scales behind their codes, or all of them behind all codes, reading
// is up to twice as slow, since a step ahead and back breaks the processor's prefetching. The last
// pair may be half empty.
#ifndef QUIRE_CPU_WEIGHT_LAYOUT_H
#define QUIRE_CPU_WEIGHT_LAYOUT_H

#include <stdint.h>

#include "../include/quire_kernels.h"
#include "kernel_table.h"

namespace quire {

// Of all the layouts here; to be counted up when one of them changes.
constexpr int32_t kPackLayout = 3;

enum class Scale {
  kHalf,     // f16: weight = scale * (code - offset) + minimum
  kBfloat,   // bf16, for powers of two beyond f16's range
  kProduct,  // f16 times int8: weight = scale * factor * (code - offset) - minimum * factor
};

struct QuantFormat {
  int32_t low_bits;   // of a code, in the low plane: 2, 4 or 8
  int32_t high_bits;  // above them, in the high plane: 0, 1 or 2
  int32_t offset;     // 0 or a power of two up to 128
  int32_t unit;       // columns that are packed together, a multiple of the GGUF block
  int32_t group;      // columns that share a scale
  Scale scale;
  bool minimum;
  const uint8_t* table;  // [16] stored codes are looked up here; null where they are the codes
};

// The values of IQ4_NL's and MXFP4's nibbles (ggml's kvalues_iq4nl; twice those of e2m1), + 128.
constexpr uint8_t kIq4NlTable[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                     129, 141, 153, 166, 181, 197, 217, 241};
constexpr uint8_t kMxfp4Table[16] = {128, 129, 130, 131, 132, 134, 136, 140,
                                     128, 127, 126, 125, 124, 122, 120, 116};

// The format of a quantised type; low_bits is 0 for every other number.
static constexpr QuantFormat format_of(int32_t type) {
  switch (type) {
    case QUIRE_Q4_0:
      return {4, 0, 8, 32, 32, Scale::kHalf, false, nullptr};
    case QUIRE_Q4_1:
      return {4, 0, 0, 32, 32, Scale::kHalf, true, nullptr};
    case QUIRE_Q5_0:
      return {4, 1, 16, 32, 32, Scale::kHalf, false, nullptr};
    case QUIRE_Q5_1:
      return {4, 1, 0, 32, 32, Scale::kHalf, true, nullptr};
    case QUIRE_Q8_0:
      return {8, 0, 128, 32, 32, Scale::kHalf, false, nullptr};
    case QUIRE_Q2_K:
      return {2, 0, 0, 256, 16, Scale::kProduct, true, nullptr};
    case QUIRE_Q3_K:
      return {2, 1, 4, 256, 16, Scale::kProduct, false, nullptr};
    case QUIRE_Q4_K:
      return {4, 0, 0, 256, 32, Scale::kProduct, true, nullptr};
    case QUIRE_Q5_K:
      return {4, 1, 0, 256, 32, Scale::kProduct, true, nullptr};
    case QUIRE_Q6_K:
      return {4, 2, 32, 256, 16, Scale::kProduct, false, nullptr};
    case QUIRE_IQ4_NL:
      return {4, 0, 128, 32, 32, Scale::kHalf, false, kIq4NlTable};
    case QUIRE_MXFP4:
      return {4, 0, 128, 32, 32, Scale::kBfloat, false, kMxfp4Table};
    default:
      return {0, 0, 0, 0, 0, Scale::kHalf, false, nullptr};
  }
}

static inline bool is_quantised(int32_t type) { return format_of(type).low_bits != 0; }

// Bytes of a block's low plane and of its codes.
static constexpr int64_t low_bytes(const QuantFormat& format) {
  return int64_t{64} * format.low_bits;
}
static constexpr int64_t block_bytes(const QuantFormat& format) {
  return int64_t{64} * (format.low_bits + format.high_bits);
}

// Places in a unit's scales: d and m are 32 bytes each, a group's factors 16.
static constexpr int64_t factor_bytes(const QuantFormat& format) {
  return format.scale == Scale::kProduct ? int64_t{16} * format.unit / format.group : 0;
}
static constexpr int64_t factor_start(const QuantFormat& format) {
  return format.minimum ? 64 : 32;
}
static constexpr int64_t scale_bytes(const QuantFormat& format) {
  return factor_start(format) + factor_bytes(format) * (format.minimum ? 2 : 1);
}

// Units whose scales lie together, with their codes behind them: a run.
static constexpr int64_t run_units(const QuantFormat& format) {
  const int64_t unit = block_bytes(format) * (format.unit / kQuantElements) + scale_bytes(format);
  return unit % 64 == 0 ? 1 : 2;
}

// Where the units of a tile lie, in bytes from its start.
struct TileLayout {
  int64_t run_units, codes, scales, units;

  constexpr int64_t run_bytes() const { return run_units * (codes + scales); }
  constexpr int64_t codes_at(int64_t unit) const {
    return unit / run_units * run_bytes() + run_units * scales + unit % run_units * codes;
  }
  constexpr int64_t scales_at(int64_t unit) const {
    return unit / run_units * run_bytes() + unit % run_units * scales;
  }
  constexpr int64_t bytes() const { return (units + run_units - 1) / run_units * run_bytes(); }
};

static constexpr TileLayout tile_layout(const QuantFormat& format, int64_t cols) {
  return {run_units(format), block_bytes(format) * (format.unit / kQuantElements),
          scale_bytes(format), cols / format.unit};
}

// Bytes of one row tile.
static inline int64_t row_tile_bytes(int32_t type, int64_t cols) {
  const QuantFormat format = format_of(type);
  if (format.low_bits != 0) return tile_layout(format, cols).bytes();
  return type == QUIRE_F32 ? cols * 64 : (cols * 32 + 63) / 64 * 64;
}

static inline int64_t row_tiles(int64_t rows) { return (rows + kLanes - 1) / kLanes; }

}  // namespace quire

#endif  // QUIRE_CPU_WEIGHT_LAYOUT_H
