// A quantised row tile unpacked, for products with many tokens: its codes as bytes and its scales
// as floats, in the thread's first- or second-level cache. It looks the same for all types.
//
//   panel  codes [cols / 4][16 rows][4] bytes, scales [cols / group][16] float32, minima the same
#ifndef QUIRE_CPU_PANEL_H
#define QUIRE_CPU_PANEL_H

#include "tile_codes.h"

namespace quire::QUIRE_ISA {

struct Panel {
  uint8_t* codes;
  float *scales, *minima;

  Panel(uint8_t* memory, int64_t cols, int group)
      : codes(memory),
        scales(reinterpret_cast<float*>(memory + cols * kLanes)),
        minima(scales + cols / group * kLanes) {}

  template <bool kMinimum>
  GroupScale scale_of(int64_t group) const {
    return {load(scales + group * kLanes), kMinimum ? load(minima + group * kLanes) : set1(0)};
  }
};

template <int32_t kType>
static void unpack(const uint8_t* tile, int64_t cols, const Panel& panel) {
  constexpr QuantFormat kFormat = format_of(kType);
  constexpr int kUnitGroups = kFormat.unit / kFormat.group;
  const TileLayout layout = tile_layout(kFormat, cols);
  uint8_t* codes = panel.codes;
  for (int64_t unit = 0; unit < cols / kFormat.unit; ++unit) {
    const uint8_t* scales = tile + layout.scales_at(unit);
    for (int group = 0; group < kUnitGroups; ++group) {
      const GroupScale scale = load_scale<kType>(scales, group);
      store(panel.scales + (unit * kUnitGroups + group) * kLanes, scale.scale);
      if constexpr (kFormat.minimum) {
        store(panel.minima + (unit * kUnitGroups + group) * kLanes, scale.minimum);
      }
    }
    const uint8_t* block = tile + layout.codes_at(unit);
    for (int i = 0; i < kFormat.unit / kQuantElements; ++i, block += block_bytes(kFormat)) {
#pragma GCC unroll kUnroll
      for (int vector = 0; vector < kCodeVectors; ++vector, codes += 64) {
        store_ints(codes, codes_at<kType>(block, vector));
      }
    }
  }
}

// The packed tile that comes next: asked for while this one is multiplied, a share with every
// block, since unpacking alone would wait for memory.
struct Ahead {
  const uint8_t* tile = nullptr;
  int64_t bytes = 0;  // for each block of this tile; 0: nothing

  void ask(int64_t block) const {
    for (int64_t at = 0; at < bytes; at += 64) ask_for(tile + block * bytes + at);
  }
};

// Behind row tile `tile` of those before `end`.
static inline Ahead ahead_of(const Weight& weight, int64_t tile, int64_t end, int64_t tile_bytes) {
  return {weight.packed + (tile + 1) * tile_bytes,
          tile + 1 < end ? tile_bytes / (weight.cols / kQuantElements) : 0};
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_PANEL_H
