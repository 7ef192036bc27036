// GGUF's row-major weights to tiles of 16 rows (weight_layout.h), without loss.
//
//   src  F32, F16 [rows, cols]; Q4_1, Q8_0 [rows, cols / 32] blocks
//          Q4_1: f16 scale, f16 minimum, 16 bytes (element i in the low, i + 16 in the high half)
//          Q8_0: f16 scale, 32 signed bytes
//   dst  quire_packed_bytes long; one pass, row tile after row tile; runs once, at load
#include <string.h>

#include "status.h"
#include "weight_layout.h"

namespace quire {

static constexpr int64_t kQ41Source = 20;  // bytes of a GGUF block
static constexpr int64_t kQ80Source = 34;

static void pack_elements(int64_t bytes, int64_t rows, int64_t cols, const uint8_t* src,
                          uint8_t* tile) {
  for (int64_t k = 0; k < cols; ++k) {
    for (int64_t row = 0; row < rows; ++row) {
      memcpy(tile + (k * kLanes + row) * bytes, src + (row * cols + k) * bytes,
             static_cast<size_t>(bytes));
    }
  }
}

static void pack_q4_1(int64_t rows, int64_t cols, const uint8_t* src, uint8_t* tile) {
  const int64_t blocks = cols / kQuantElements;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t block = 0; block < blocks; ++block) {
      const uint8_t* in = src + (row * blocks + block) * kQ41Source;
      uint8_t* out = tile + block * kQ41Bytes;
      memcpy(out + 256 + 2 * row, in, 2);
      memcpy(out + 288 + 2 * row, in + 2, 2);
      for (int k = 0; k < kQuantElements; ++k) {
        const int nibble = k < 16 ? in[4 + k] & 15 : in[4 + k - 16] >> 4;
        const int pair = k % 8 / 2;
        out[k / 8 * 64 + row * 4 + k % 2 * 2 + pair / 2] |=
            static_cast<uint8_t>(nibble << (4 * (pair % 2)));
      }
    }
  }
}

static void pack_q8_0(int64_t rows, int64_t cols, const uint8_t* src, uint8_t* tile) {
  constexpr int kByte[4] = {0, 2, 1, 3};
  const int64_t blocks = cols / kQuantElements;
  uint8_t* scales = tile + blocks * kQ80Quants;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t block = 0; block < blocks; ++block) {
      const uint8_t* in = src + (row * blocks + block) * kQ80Source;
      memcpy(scales + (block * kLanes + row) * 2, in, 2);
      for (int k = 0; k < kQuantElements; ++k) {
        tile[block * kQ80Quants + k / 4 * 64 + row * 4 + kByte[k % 4]] =
            static_cast<uint8_t>(in[2 + k] ^ 0x80);  // + 128
      }
    }
  }
}

static int64_t source_row_bytes(int32_t type, int64_t cols) {
  switch (type) {
    case QUIRE_F32:
      return cols * 4;
    case QUIRE_F16:
      return cols * 2;
    case QUIRE_Q4_1:
      return cols / kQuantElements * kQ41Source;
    default:
      return cols / kQuantElements * kQ80Source;
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
  if (type != QUIRE_F32 && type != QUIRE_F16 && !is_quantised(type)) {
    return fail(QUIRE_UNSUPPORTED_DTYPE, "weight type must be F32, F16, Q4_1 or Q8_0: type=%d",
                type);
  }
  constexpr int64_t kMost = int64_t{1} << 40;
  if (rows <= 0 || cols <= 0 || rows > kMost || cols > kMost / rows) {
    return fail(QUIRE_INVALID_ARG,
                "weight must not be empty or above 2^40 elements: rows=%lld, cols=%lld",
                static_cast<long long>(rows), static_cast<long long>(cols));
  }
  if (is_quantised(type) && cols % kQuantElements != 0) {
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
  const uint8_t* in = static_cast<const uint8_t*>(src);
  uint8_t* out = static_cast<uint8_t*>(dst);
  const int64_t tile_bytes = row_tile_bytes(type, cols);
  for (int64_t row = 0; row < rows; row += kLanes) {
    uint8_t* tile = out + row / kLanes * tile_bytes;
    const uint8_t* first = in + row * source_row_bytes(type, cols);
    const int64_t count = rows - row < kLanes ? rows - row : kLanes;
    memset(tile, 0, static_cast<size_t>(tile_bytes));
    if (type == QUIRE_Q4_1) {
      pack_q4_1(count, cols, first, tile);
    } else if (type == QUIRE_Q8_0) {
      pack_q8_0(count, cols, first, tile);
    } else {
      pack_elements(type == QUIRE_F32 ? 4 : 2, count, cols, first, tile);
    }
  }
  return QUIRE_OK;
}
