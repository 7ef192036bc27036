// Sums in tiles (../cpu/amx_tile.h) and by loops, on random numbers.
//
// Included by a test of the emulation and by one of the processor's own tiles, each of which sets
// QUIRE_ISA.
#ifndef QUIRE_TEST_AMX_SUMS_H
#define QUIRE_TEST_AMX_SUMS_H

#include "../cpu/amx_tile.h"
#include "fixture.h"

namespace quire::QUIRE_ISA {

template <int kColumns>
static void check_tile_sums(int64_t tokens, int groups, bool extreme) {
  fixture::Random random{static_cast<uint64_t>(tokens * 100 + groups)};
  const int64_t cols = int64_t{kColumns} * groups;
  const int64_t stride = cols + 32;
  std::vector<uint8_t> codes(static_cast<size_t>(cols * kLanes));
  std::vector<int8_t> activations(static_cast<size_t>(tokens * stride));
  for (uint8_t& code : codes) code = extreme ? 255 : static_cast<uint8_t>(random.next());
  for (int8_t& value : activations) value = extreme ? -128 : static_cast<int8_t>(random.next());
  constexpr int32_t kGuard = 0x5A5A5A5A;
  std::vector<int32_t> sums(static_cast<size_t>(groups * kTileTokens * kLanes) + 16, kGuard);
  configure_tiles(tokens, kColumns);
  for (int64_t token = 0; token < tokens; token += kTileTokens) {
    const int64_t count = tokens - token < kTileTokens ? tokens - token : kTileTokens;
    std::fill(sums.begin(), sums.end(), kGuard);
    tile_sums<kColumns>(codes.data(), activations.data() + token * stride, stride, count, groups,
                        sums.data());
    for (int64_t i = 0; i < groups * count * kLanes; ++i) {
      const int64_t group = i / (count * kLanes);
      const int64_t t = token + i / kLanes % count;
      const int64_t row = i % kLanes;
      int32_t expected = 0;
      for (int64_t k = group * kColumns; k < (group + 1) * kColumns; ++k) {
        expected += int32_t{codes[static_cast<size_t>(k / 4 * 64 + row * 4 + k % 4)]} *
                    activations[static_cast<size_t>(t * stride + k)];
      }
      CHECK(sums[static_cast<size_t>(i)] == expected,
            "columns=%d, tokens=%ld, groups=%d, t=%ld, row=%ld, got=%d, expected=%d", kColumns,
            tokens, groups, t, row, sums[static_cast<size_t>(i)], expected);
    }
    CHECK(sums[static_cast<size_t>(groups * count * kLanes)] == kGuard, "wrote behind its end");
  }
  release_tiles();
}

static void check_all_tile_sums() {
  for (int64_t tokens : {1, 5, 15, 16, 17, 37}) {
    for (int groups : {1, 2, 3, 8}) {
      for (bool extreme : {false, true}) {
        check_tile_sums<16>(tokens, groups, extreme);
        check_tile_sums<32>(tokens, groups, extreme);
      }
    }
  }
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_TEST_AMX_SUMS_H
