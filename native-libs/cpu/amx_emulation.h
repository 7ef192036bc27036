// The tile instructions that the kernels use, by their definition: for tests on processors without
// AMX. Included in place of the compiler's intrinsics, under their names.
//
// After the pseudo-code of Intel's SDM, vol. 2 (LDTILECFG, TILELOADD, TILESTORED, TILEZERO, TDPBSSD
// and its sisters, TILERELEASE) for palette 1. Where the processor would raise a fault, this prints
// what must hold and aborts. A tile's start row is not emulated: it differs from 0 only inside a
// load or store that a page fault interrupted, and must be 0 here. All of it is the including
// file's own: these are compiled for different processors.
#ifndef QUIRE_CPU_AMX_EMULATION_H
#define QUIRE_CPU_AMX_EMULATION_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace quire::amx_emulation {

constexpr int kTiles = 8;
constexpr int kMaxRows = 16;
constexpr int kMaxRowBytes = 64;

// A processor's tiles belong to a thread, and so do these.
struct State {
  bool configured;
  int rows[kTiles];
  int row_bytes[kTiles];
  uint8_t data[kTiles][kMaxRows][kMaxRowBytes];
};
static thread_local State state;

[[noreturn]] static inline void fault(const char* what, const char* name, int value) {
  fprintf(stderr, "tiles: %s: %s=%d\n", what, name, value);
  abort();
}

static inline void must(bool holds, const char* what, const char* name, int value) {
  if (!holds) fault(what, name, value);
}

static inline void must_be_configured(int tile) {
  must(state.configured, "tiles must be configured", "tile", tile);
  must(tile >= 0 && tile < kTiles, "tile must be one of the palette", "tile", tile);
  must(state.rows[tile] > 0, "tile must be configured", "tile", tile);
}

static inline void release() { memset(&state, 0, sizeof(state)); }

// [64] bytes: palette, start row, 14 reserved, 16 x 2 bytes of a row, 16 x rows.
static inline void load_config(const void* memory) {
  const uint8_t* config = static_cast<const uint8_t*>(memory);
  release();
  must(config[0] <= 1, "palette must be 0 or 1", "palette", config[0]);
  if (config[0] == 0) return;
  must(config[1] == 0, "start row must be 0", "start_row", config[1]);
  for (int i = 2; i < 16; ++i) must(config[i] == 0, "reserved bytes must be 0", "byte", i);
  for (int tile = 0; tile < 16; ++tile) {
    const int row_bytes = config[16 + 2 * tile] + 256 * config[17 + 2 * tile];
    const int rows = config[48 + tile];
    must(row_bytes <= (tile < kTiles ? kMaxRowBytes : 0), "row must be at most 64 bytes of 8 tiles",
         "row_bytes", row_bytes);
    must(rows <= (tile < kTiles ? kMaxRows : 0), "rows must be at most 16 of 8 tiles", "rows",
         rows);
    must((rows == 0) == (row_bytes == 0), "rows and their bytes must both be 0 or not", "tile",
         tile);
    if (tile >= kTiles) continue;
    state.rows[tile] = rows;
    state.row_bytes[tile] = row_bytes;
  }
  state.configured = true;
}

static inline void zero(int tile) {
  must_be_configured(tile);
  memset(state.data[tile], 0, sizeof(state.data[tile]));
}

static inline void load(int tile, const void* memory, ptrdiff_t stride) {
  zero(tile);
  for (int row = 0; row < state.rows[tile]; ++row) {
    memcpy(state.data[tile][row], static_cast<const uint8_t*>(memory) + row * stride,
           static_cast<size_t>(state.row_bytes[tile]));
  }
}

static inline void store(int tile, void* memory, ptrdiff_t stride) {
  must_be_configured(tile);
  for (int row = 0; row < state.rows[tile]; ++row) {
    memcpy(static_cast<uint8_t*>(memory) + row * stride, state.data[tile][row],
           static_cast<size_t>(state.row_bytes[tile]));
  }
}

// to[m][n] += sum over k and i of left[m][4 k + i] * right[k][4 n + i], modulo 2^32.
template <typename Left, typename Right>
static inline void add_products(int to, int left, int right) {
  must_be_configured(to);
  must_be_configured(left);
  must_be_configured(right);
  must(to != left && to != right && left != right, "tiles must differ", "to", to);
  const int row_bytes = state.row_bytes[to];
  must(row_bytes % 4 == 0, "row of sums must be whole int32s", "row_bytes", row_bytes);
  must(state.row_bytes[left] % 4 == 0, "row must be whole groups of 4", "row_bytes",
       state.row_bytes[left]);
  must(state.row_bytes[right] == row_bytes, "right tile must be as wide as the sums", "row_bytes",
       state.row_bytes[right]);
  must(state.rows[left] == state.rows[to], "left tile must be as high as the sums", "rows",
       state.rows[left]);
  must(state.row_bytes[left] / 4 == state.rows[right],
       "right tile must have a row for each 4 of "
       "the left",
       "rows", state.rows[right]);
  for (int m = 0; m < state.rows[to]; ++m) {
    for (int n = 0; n < row_bytes / 4; ++n) {
      uint32_t sum;
      memcpy(&sum, &state.data[to][m][4 * n], 4);
      for (int k = 0; k < state.rows[right]; ++k) {
        for (int i = 0; i < 4; ++i) {
          const int32_t a = static_cast<Left>(state.data[left][m][4 * k + i]);
          const int32_t b = static_cast<Right>(state.data[right][k][4 * n + i]);
          sum += static_cast<uint32_t>(a * b);
        }
      }
      memcpy(&state.data[to][m][4 * n], &sum, 4);
    }
  }
}

}  // namespace quire::amx_emulation

#undef _tile_loadd
#undef _tile_stream_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbuud
#define _tile_loadconfig(config) quire::amx_emulation::load_config(config)
#define _tile_release() quire::amx_emulation::release()
#define _tile_zero(tile) quire::amx_emulation::zero(tile)
#define _tile_loadd(tile, base, stride) quire::amx_emulation::load(tile, base, stride)
#define _tile_stream_loadd(tile, base, stride) quire::amx_emulation::load(tile, base, stride)
#define _tile_stored(tile, base, stride) quire::amx_emulation::store(tile, base, stride)
#define _tile_dpbssd(to, a, b) quire::amx_emulation::add_products<int8_t, int8_t>(to, a, b)
#define _tile_dpbsud(to, a, b) quire::amx_emulation::add_products<int8_t, uint8_t>(to, a, b)
#define _tile_dpbusd(to, a, b) quire::amx_emulation::add_products<uint8_t, int8_t>(to, a, b)
#define _tile_dpbuud(to, a, b) quire::amx_emulation::add_products<uint8_t, uint8_t>(to, a, b)

#endif  // QUIRE_CPU_AMX_EMULATION_H
