// GGUF's row-major weights to tiles of 16 rows (weight_layout.h), without loss.
//
//   src  F32, F16, BF16 [rows, cols]; others [rows, cols / block] blocks (gguf_blocks.h)
//   dst  quire_packed_bytes long; one pass, row tile after row tile; runs once, at load
//
// The bytes depend on the source alone, not on the processor: they may be kept in a file.
#include <string.h>

#include "gguf_blocks.h"
#include "status.h"
#include "weight_layout.h"

namespace quire {

template <typename Element>
static void pack_elements(int64_t rows, int64_t cols, const uint8_t* src, uint8_t* tile) {
  constexpr int64_t kBytes = sizeof(Element);
  for (int64_t k = 0; k < cols; ++k) {
    for (int64_t row = 0; row < rows; ++row) {
      memcpy(tile + (k * kLanes + row) * kBytes, src + (row * cols + k) * kBytes, kBytes);
    }
  }
}

// Bits `shift` and above of a row's 32 codes into its lane of a plane.
template <int kBits>
static void pack_plane(const uint8_t* code, int32_t shift, int64_t row, uint8_t* plane) {
  constexpr int kRun = 32 / kBits;
  for (int word = 0; word < kBits; ++word) {
    uint32_t bits = 0;
    for (int i = 0; i < kRun; ++i) {
      const uint32_t value = (uint32_t{code[word * kRun + i]} >> shift) & ((1u << kBits) - 1);
      bits |= value << (i % 4 * 8 + i / 4 * kBits);
    }
    memcpy(plane + word * 64 + row * 4, &bits, 4);
  }
}

static void pack_bits(int32_t bits, const uint8_t* code, int32_t shift, int64_t row,
                      uint8_t* plane) {
  switch (bits) {
    case 1:
      return pack_plane<1>(code, shift, row, plane);
    case 2:
      return pack_plane<2>(code, shift, row, plane);
    case 4:
      return pack_plane<4>(code, shift, row, plane);
    case 8:
      return pack_plane<8>(code, shift, row, plane);
  }
}

static void pack_scales(const QuantFormat& format, const BlockParts& parts, int64_t row,
                        uint8_t* scales) {
  memcpy(scales + 2 * row, &parts.scale, 2);
  if (format.minimum) memcpy(scales + 32 + 2 * row, &parts.minimum, 2);
  uint8_t* factors = scales + factor_start(format);
  for (int64_t group = 0; group < factor_bytes(format) / kLanes; ++group) {
    memcpy(factors + group * kLanes + row, &parts.scale_factor[group], 1);
    if (format.minimum) {
      memcpy(factors + factor_bytes(format) + group * kLanes + row, &parts.minimum_factor[group],
             1);
    }
  }
}

static void pack_quantised(int32_t type, int64_t rows, int64_t cols, const uint8_t* src,
                           uint8_t* tile) {
  const QuantFormat format = format_of(type);
  const TileLayout layout = tile_layout(format, cols);
  const int64_t units = cols / format.unit;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t unit = 0; unit < units; ++unit, src += gguf_block_bytes(type)) {
      BlockParts parts;
      take_apart(type, src, &parts);
      uint8_t* plane = tile + layout.codes_at(unit);
      for (int32_t k = 0; k < format.unit; k += kQuantElements, plane += block_bytes(format)) {
        pack_bits(format.low_bits, parts.code + k, 0, row, plane);
        pack_bits(format.high_bits, parts.code + k, format.low_bits, row,
                  plane + low_bytes(format));
      }
      pack_scales(format, parts, row, tile + layout.scales_at(unit));
    }
  }
}

}  // namespace quire

using namespace quire;

// Every variant streams the same tiles.
QUIRE_EXPORT int32_t quire_pack_layout(int32_t isa) {
  const int32_t selected = quire_isa(isa);
  return selected < 0 ? selected : kPackLayout;
}

QUIRE_EXPORT int64_t quire_packed_bytes(int32_t type, int64_t rows, int64_t cols) {
  if (gguf_block_bytes(type) == 0) {
    return fail(QUIRE_UNSUPPORTED_DTYPE,
                "weight type must be F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, "
                "Q4_K, Q5_K, Q6_K, IQ4_NL or MXFP4: type=%d",
                type);
  }
  constexpr int64_t kMost = int64_t{1} << 40;
  if (rows <= 0 || cols <= 0 || rows > kMost || cols > kMost / rows) {
    return fail(QUIRE_INVALID_ARG,
                "weight must not be empty or above 2^40 elements: rows=%lld, cols=%lld",
                static_cast<long long>(rows), static_cast<long long>(cols));
  }
  if (is_quantised(type) && cols % format_of(type).unit != 0) {
    return fail(QUIRE_UNSUPPORTED_SHAPE,
                "cols must be a multiple of the type's block: type=%d, cols=%lld", type,
                static_cast<long long>(cols));
  }
  return row_tiles(rows) * row_tile_bytes(type, cols);
}

QUIRE_EXPORT int32_t quire_pack(int32_t type, int64_t rows, int64_t cols, const void* src,
                                void* dst) {
  const int64_t bytes = quire_packed_bytes(type, rows, cols);
  if (bytes < 0) return static_cast<int32_t>(bytes);
  if (src == nullptr || dst == nullptr || reinterpret_cast<uintptr_t>(dst) % 64 != 0) {
    return fail(QUIRE_INVALID_ARG, "src must be given and dst 64-byte aligned: dst=%p", dst);
  }
  const bool quantised = is_quantised(type);
  const int64_t elements = quantised ? format_of(type).unit : 1;
  const int64_t row_bytes = cols / elements * gguf_block_bytes(type);
  const int64_t tile_bytes = row_tile_bytes(type, cols);
  const uint8_t* in = static_cast<const uint8_t*>(src);
  uint8_t* tile = static_cast<uint8_t*>(dst);
  for (int64_t row = 0; row < rows; row += kLanes, tile += tile_bytes) {
    const int64_t count = rows - row < kLanes ? rows - row : kLanes;
    memset(tile, 0, static_cast<size_t>(tile_bytes));
    const uint8_t* first = in + row * row_bytes;
    if (quantised) {
      pack_quantised(type, count, cols, first, tile);
    } else if (type == QUIRE_F32) {
      pack_elements<uint32_t>(count, cols, first, tile);
    } else {
      pack_elements<uint16_t>(count, cols, first, tile);
    }
  }
  return QUIRE_OK;
}
