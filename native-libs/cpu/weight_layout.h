// Where things lie in a packed weight: tiles of 16 output rows, row tile after row tile, each
// starting on a cache line. Rows are padded to 16 with zeros.
//
//   F32, F16  [cols][16]
//   Q4_1      [cols / 32] blocks of 320 bytes: nibbles [4 runs of 8 k][16 rows] x 4 bytes,
//             scales [16] f16, minima [16] f16. In a row's 4 bytes, the low int16 holds k = 0, 2,
//             4, 6 of the run in its nibbles from the lowest, the high int16 k = 1, 3, 5, 7: one
//             mask (and shift) gives 16 rows of int16 pairs (k, k + 1).
//   Q8_0      [cols / 32][8 runs of 4 k][16 rows] x 4 bytes of value + 128, then scales
//             [cols / 32][16] f16. A row's bytes are k = 0, 2, 1, 3 of the run, for the same
//             reason.
#ifndef QUIRE_CPU_WEIGHT_LAYOUT_H
#define QUIRE_CPU_WEIGHT_LAYOUT_H

#include <stdint.h>

#include "../include/quire_kernels.h"
#include "kernel_table.h"

namespace quire {

// Of all the layouts here; to be counted up when one of them changes.
constexpr int32_t kPackLayout = 1;

constexpr int64_t kQ41Bytes = 320;   // of a 16 x 32 tile
constexpr int64_t kQ80Quants = 512;  // bytes of a 16 x 32 tile without its scales
constexpr int64_t kQ80Bytes = 544;

static inline bool is_quantised(int32_t type) { return type == QUIRE_Q4_1 || type == QUIRE_Q8_0; }

// Bytes of one row tile.
static inline int64_t row_tile_bytes(int32_t type, int64_t cols) {
  switch (type) {
    case QUIRE_F32:
      return cols * 64;
    case QUIRE_F16:
      return (cols * 32 + 63) / 64 * 64;
    case QUIRE_Q4_1:
      return cols / kQuantElements * kQ41Bytes;
    default:
      return (cols / kQuantElements * kQ80Bytes + 63) / 64 * 64;
  }
}

static inline int64_t row_tiles(int64_t rows) { return (rows + kLanes - 1) / kLanes; }

}  // namespace quire

#endif  // QUIRE_CPU_WEIGHT_LAYOUT_H
