// Reading a quantised row tile (weight_layout.h): codes as bytes and scales as floats, for 16 rows.
#ifndef QUIRE_CPU_TILE_CODES_H
#define QUIRE_CPU_TILE_CODES_H

#include "activations.h"
#include "weight_layout.h"

namespace quire::QUIRE_ISA {

// Vectors of a block: 16 rows x 4 columns of codes each.
constexpr int kCodeVectors = kQuantElements / 4;

// Vector i of a block's plane of kBits bits, the code's bits kTo and above.
template <int kBits, int kTo>
static inline Ints plane_bits(const uint8_t* plane, int i) {
  constexpr int kFields = 8 / kBits;
  const int from = i % kFields * kBits;
  const Ints x = load_ints(plane + i / kFields * 64);
  constexpr int32_t kMask = (((1 << kBits) - 1) << kTo) * 0x01010101;
  if (from == kTo) return and_ints(x, kMask);
  return and_ints(from > kTo ? shift_right(x, from - kTo) : shift_left(x, kTo - from), kMask);
}

// Codes of columns 4 i ... 4 i + 3 of a block.
template <int32_t kType>
static inline Ints codes_at(const uint8_t* block, int i) {
  constexpr QuantFormat kFormat = format_of(kType);
  if constexpr (kFormat.low_bits == 8) {
    return load_ints(block + 64 * i);
  } else {
    Ints codes = plane_bits<kFormat.low_bits, 0>(block, i);
    if constexpr (kFormat.table != nullptr) codes = look_up(load_table(kFormat.table), codes);
    if constexpr (kFormat.high_bits > 0) {
      codes = or_ints(
          codes, plane_bits<kFormat.high_bits, kFormat.low_bits>(block + low_bytes(kFormat), i));
    }
    return codes;
  }
}

// What the codes of a group make of themselves: scale * (code - offset) + minimum.
struct GroupScale {
  Floats scale, minimum;
};

// Of group `group` of the unit whose scales these are. A product is exact: 11 bits times 8.
template <int32_t kType>
static inline GroupScale load_scale(const uint8_t* scales, int64_t group) {
  constexpr QuantFormat kFormat = format_of(kType);
  const uint16_t* halves = reinterpret_cast<const uint16_t*>(scales);
  GroupScale out = {kFormat.scale == Scale::kBfloat ? load_bfloat(halves) : load_half(halves),
                    kFormat.minimum ? load_half(halves + kLanes) : set1(0)};
  if constexpr (kFormat.scale == Scale::kProduct) {
    const uint8_t* factors = scales + factor_start(kFormat) + group * kLanes;
    out.scale = mul(out.scale, load_signed_bytes(factors));
    if constexpr (kFormat.minimum) {
      const Floats subtracted =
          mul(out.minimum, load_signed_bytes(factors + factor_bytes(kFormat)));
      out.minimum = mul(subtracted, set1(-1));
    }
  }
  return out;
}

// How a product treats the codes of a format: all that it needs to know of the type.
struct CodeKind {
  int group;   // columns that share a scale: 16 or 32
  int offset;  // what is taken off a code
  bool minimum;
  bool wide;  // codes may be above 127
};

static constexpr CodeKind kind_of(const QuantFormat& format) {
  return {format.group, format.offset, format.minimum,
          format.low_bits == 8 || format.table != nullptr};
}

// Sum over a group of (code - offset) * q starts here: -offset * sum of q.
template <int kOffset, int kGroups, typename View>
static inline Ints start_of(const View& in, int64_t block, int group, int t) {
  if constexpr (kOffset == 0 || (kOffset == 128 && kWideSigned)) {
    return zero_ints();
  } else {
    constexpr int kShift = __builtin_ctz(128 / kOffset);
    static_assert(kOffset << kShift == 128);
    const Ints sum =
        kGroups == 1 ? broadcast(in.offset_sum(block, t)) : set1_ints(in.half_sum(block, group, t));
    return kShift == 0 ? sum : shift_signed(sum, kShift);
  }
}

// y + scale * (sum of (code - offset) * q) * activation scale + minimum * scale * sum of q.
template <bool kMinimum, int kGroups, typename View>
static inline Floats add_group(Floats y, Ints exact, const GroupScale& scale, const View& in,
                               int64_t block, int group, int t) {
  y = fmadd(mul(scale.scale, set1(in.scale(block, t))), to_floats(exact), y);
  if constexpr (kMinimum && kGroups == 1) {
    y = fmadd(scale.minimum, set1(in.scaled_sum(block, t)), y);
  } else if constexpr (kMinimum) {
    const float sum = static_cast<float>(in.half_sum(block, group, t) / -128);
    y = fmadd(scale.minimum, set1(in.scale(block, t) * sum), y);
  }
  return y;
}

// y + weight * value for the outlier's column, whose codes are byte column % 4 of `codes`.
template <int kOffset, bool kMinimum>
static inline Floats add_outlier(Floats y, Ints codes, const GroupScale& scale,
                                 const Outlier& outlier) {
  static const int8_t kSelect[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  const Ints start = kOffset == 0 ? zero_ints() : set1_ints(-kOffset);
  const Floats code = to_floats(dot_at<false>(start, codes, kSelect + outlier.column % 4 * 4));
  const Floats weight = kMinimum ? fmadd(scale.scale, code, scale.minimum) : mul(scale.scale, code);
  return fmadd(weight, set1(outlier.value), y);
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_TILE_CODES_H
