// Exact integer sums of a weight's row tile for many tokens, in AMX tiles or their emulation.
//
//   codes        [columns / 4][16 rows][4] uint8: four columns of a row together, which is a tile
//                of up to 16 x 64 bytes as it stands
//   activations  [tokens][stride] int8
//   sums         [groups][tokens][16 rows] int32, written
//
// A group is the 16 or 32 columns that share a scale: each has sums of its own, so that scales are
// applied in float32 just as without tiles. That leaves a tile of activations a quarter or half
// full: the price of equal bits.
//
// Tiles: 0, 1 sums and 2 activations of 16 tokens; 3, 4 and 5 the same of the tokens that are left
// over; 6, 7 codes. Two groups at a time hide the latency of a product (52 cycles on Sapphire
// Rapids: Intel's optimization manual, section 20).
#ifndef QUIRE_CPU_AMX_TILE_H
#define QUIRE_CPU_AMX_TILE_H

#include <stdint.h>

#include "kernel_table.h"

#ifdef QUIRE_AMX_EMULATED
#include "amx_emulation.h"
#else
#include <immintrin.h>
#endif

namespace quire::QUIRE_ISA {

constexpr int kTileTokens = 16;

// The operand of ldtilecfg.
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64);

// The intrinsics of GCC 12 do not say that tiles are loaded from memory: without this, what was
// stored there may still be on its way or be dropped.
static inline void memory_is_read() { __asm__ volatile("" ::: "memory"); }

// Tiles of this thread, for groups of `columns` and `tokens` tokens: 16 at a time and the rest.
// They are the thread's until release_tiles: outside products, tiles only make it costly to switch.
static inline void configure_tiles(int64_t tokens, int columns) {
  TileConfig config = {};
  config.palette = 1;
  const int64_t rest = tokens % kTileTokens;
  const int rows[] = {kTileTokens,
                      kTileTokens,
                      kTileTokens,
                      static_cast<int>(rest),
                      static_cast<int>(rest),
                      static_cast<int>(rest),
                      columns / 4,
                      columns / 4};
  const int row_bytes[] = {64, 64, columns, 64, 64, columns, 64, 64};
  for (int tile = 0; tile < 8; ++tile) {
    if (rows[tile] == 0) continue;
    config.rows[tile] = static_cast<uint8_t>(rows[tile]);
    config.row_bytes[tile] = static_cast<uint16_t>(row_bytes[tile]);
  }
  memory_is_read();
  _tile_loadconfig(&config);
}

static inline void release_tiles() { _tile_release(); }

// Sums of two neighbouring groups.
template <bool kFull, int kColumns>
static inline void sum_pair(const uint8_t* codes, const int8_t* activations, int64_t stride,
                            int32_t* first, int32_t* second) {
  constexpr int64_t kCodeBytes = kColumns * kLanes;
  _tile_loadd(6, codes, 64);
  _tile_loadd(7, codes + kCodeBytes, 64);
  if constexpr (kFull) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_loadd(2, activations, stride);
    _tile_dpbsud(0, 2, 6);
    _tile_loadd(2, activations + kColumns, stride);
    _tile_dpbsud(1, 2, 7);
    _tile_stored(0, first, 64);
    _tile_stored(1, second, 64);
  } else {
    _tile_zero(3);
    _tile_zero(4);
    _tile_loadd(5, activations, stride);
    _tile_dpbsud(3, 5, 6);
    _tile_loadd(5, activations + kColumns, stride);
    _tile_dpbsud(4, 5, 7);
    _tile_stored(3, first, 64);
    _tile_stored(4, second, 64);
  }
}

template <bool kFull, int kColumns>
static inline void sum_one(const uint8_t* codes, const int8_t* activations, int64_t stride,
                           int32_t* sums) {
  _tile_loadd(6, codes, 64);
  if constexpr (kFull) {
    _tile_zero(0);
    _tile_loadd(2, activations, stride);
    _tile_dpbsud(0, 2, 6);
    _tile_stored(0, sums, 64);
  } else {
    _tile_zero(3);
    _tile_loadd(5, activations, stride);
    _tile_dpbsud(3, 5, 6);
    _tile_stored(3, sums, 64);
  }
}

template <bool kFull, int kColumns>
static inline void sum_groups(const uint8_t* codes, const int8_t* activations, int64_t stride,
                              int64_t tokens, int groups, int32_t* sums) {
  constexpr int64_t kCodeBytes = kColumns * kLanes;
  const int64_t group_sums = tokens * kLanes;
  memory_is_read();
  int group = 0;
  for (; group + 2 <= groups; group += 2) {
    sum_pair<kFull, kColumns>(codes, activations, stride, sums, sums + group_sums);
    codes += 2 * kCodeBytes;
    activations += 2 * kColumns;
    sums += 2 * group_sums;
  }
  if (group < groups) sum_one<kFull, kColumns>(codes, activations, stride, sums);
}

// Sums of `groups` neighbouring groups of kColumns columns for `tokens` tokens: 16 of them, or the
// rest that configure_tiles was told of.
template <int kColumns>
static inline void tile_sums(const uint8_t* codes, const int8_t* activations, int64_t stride,
                             int64_t tokens, int groups, int32_t* sums) {
  if (tokens == kTileTokens) {
    sum_groups<true, kColumns>(codes, activations, stride, tokens, groups, sums);
  } else {
    sum_groups<false, kColumns>(codes, activations, stride, tokens, groups, sums);
  }
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_AMX_TILE_H
