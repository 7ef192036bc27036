// simd.h's vocabulary in plain C++: the fallback, and what the vector variants must equal bit for
// bit.
#ifndef QUIRE_CPU_SIMD_SCALAR_H
#define QUIRE_CPU_SIMD_SCALAR_H

#include "half.h"

#define QUIRE_UNROLL  // lanes are loops here

namespace quire::QUIRE_ISA {

constexpr int kUnroll = 1;      // lanes are loops here: unrolling takes a minute to compile
constexpr int kTokenGroup = 4;  // activation rows per unpacked weight
constexpr bool kWideSigned = false;
constexpr int kRowGroup = 4;  // query rows per reading of a page
constexpr int kSums = 4;      // vectors of sums that are kept in registers

struct Floats {
  float lane[16];
};
struct Ints {
  int32_t lane[16];
};

template <typename Operation>
static inline Floats each(Operation operation) {
  Floats out;
  for (int i = 0; i < 16; ++i) out.lane[i] = operation(i);
  return out;
}

template <typename Operation>
static inline Ints each_int(Operation operation) {
  Ints out;
  for (int i = 0; i < 16; ++i) out.lane[i] = operation(i);
  return out;
}

static inline Floats set1(float a) {
  return each([=](int) { return a; });
}
static inline Floats load(const float* in) {
  return each([=](int i) { return in[i]; });
}
static inline void store(float* out, const Floats& a) {
  for (int i = 0; i < 16; ++i) out[i] = a.lane[i];
}
static inline Floats load_half(const uint16_t* in) {
  return each([=](int i) { return half_to_float(in[i]); });
}
// The upper halves of float32.
static inline Floats load_bfloat(const uint16_t* in) {
  return each([=](int i) { return bfloat_to_float(in[i]); });
}
// Sixteen signed bytes.
static inline Floats load_signed_bytes(const uint8_t* in) {
  return each([=](int i) { return static_cast<float>(static_cast<int8_t>(in[i])); });
}
static inline void store_half(uint16_t* out, const Floats& a) {
  for (int i = 0; i < 16; ++i) out[i] = float_to_half(a.lane[i]);
}
static inline Floats add(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
static inline Floats sub(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
static inline Floats mul(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
static inline Floats div(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] / b.lane[i]; });
}
static inline Floats fmadd(const Floats& a, const Floats& b, const Floats& c) {
  return each([&](int i) { return fmaf(a.lane[i], b.lane[i], c.lane[i]); });
}
static inline Floats max(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
static inline Floats min(const Floats& a, const Floats& b) {
  return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
static inline Floats round_even(const Floats& a) {
  return each([&](int i) { return nearbyintf(a.lane[i]); });
}
// a * 2^n for whole n in [-126, 127].
static inline Floats scale_by_power(const Floats& a, const Floats& n) {
  return each([&](int i) {
    const int32_t whole = n.lane[i] == n.lane[i] ? static_cast<int32_t>(n.lane[i]) : 0;
    const uint32_t bits = static_cast<uint32_t>(whole + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return a.lane[i] * power;
  });
}
// 0 where x < bound, else a.
static inline Floats zero_below(const Floats& x, float bound, const Floats& a) {
  return each([&](int i) { return x.lane[i] < bound ? 0.0f : a.lane[i]; });
}
// a where a is a number, else `other`.
static inline Floats if_number(const Floats& a, const Floats& test, float other) {
  return each([&](int i) { return test.lane[i] == test.lane[i] ? a.lane[i] : other; });
}
// Bit i: a's lane i is above b's.
static inline uint32_t above(const Floats& a, const Floats& b) {
  uint32_t bits = 0;
  for (int i = 0; i < 16; ++i) bits |= static_cast<uint32_t>(a.lane[i] > b.lane[i]) << i;
  return bits;
}
// Lanes i and i + 8, then i + 4, i + 2, i + 1: the same tree in every variant.
static inline float sum(const Floats& a) {
  float lane[16];
  store(lane, a);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] = lane[i] + lane[i + width];
  }
  return lane[0];
}
static inline float largest(const Floats& a) {
  float lane[16];
  store(lane, a);
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
  }
  return lane[0];
}

// Lanes 2i and 2i + 1 for each other.
static inline Floats swap_pairs(const Floats& a) {
  return each([&](int i) { return a.lane[i ^ 1]; });
}
// Eight numbers, each in two lanes.
static inline Floats load_twice(const float* in) {
  return each([=](int i) { return in[i / 2]; });
}
static inline Floats negate_even(const Floats& a) {
  return each([&](int i) { return i % 2 == 0 ? -a.lane[i] : a.lane[i]; });
}

static inline Ints zero_ints() {
  return each_int([](int) { return 0; });
}
static inline Ints load_ints(const void* in) {
  Ints out;
  memcpy(&out, in, 64);
  return out;
}
static inline void store_ints(void* out, const Ints& a) { memcpy(out, &a, 64); }
static inline Ints set1_ints(int32_t a) {
  return each_int([=](int) { return a; });
}
static inline Ints and_ints(const Ints& a, int32_t mask) {
  return each_int([&](int i) { return a.lane[i] & mask; });
}
static inline Ints or_ints(const Ints& a, const Ints& b) {
  return each_int([&](int i) { return a.lane[i] | b.lane[i]; });
}
static inline Ints add_ints(const Ints& a, const Ints& b) {
  return each_int([&](int i) { return a.lane[i] + b.lane[i]; });
}
// Bits moved within each int16, or within more: what crosses into a neighbouring byte is masked
// off.
static inline Ints shift_right(const Ints& a, int bits) {
  return each_int(
      [&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) >> bits); });
}
static inline Ints shift_left(const Ints& a, int bits) {
  return each_int(
      [&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.lane[i]) << bits); });
}
// Each int32 divided by 2^bits, rounded down.
static inline Ints shift_signed(const Ints& a, int bits) {
  return each_int([&](int i) { return a.lane[i] >> bits; });
}
// A table of 16 bytes for look_up.
static inline Ints load_table(const uint8_t* in) {
  Ints out = {};
  memcpy(&out, in, 16);
  return out;
}
// The table's entry for each byte, which is below 16.
static inline Ints look_up(const Ints& table, const Ints& index) {
  uint8_t values[64];
  uint8_t bytes[64];
  memcpy(values, &table, 64);
  memcpy(bytes, &index, 64);
  for (int i = 0; i < 64; ++i) bytes[i] = values[bytes[i]];
  return load_ints(bytes);
}
// Four bytes in every lane.
static inline Ints broadcast(const void* in) {
  int32_t four;
  memcpy(&four, in, 4);
  return set1_ints(four);
}
// acc + the products of a lane's four unsigned codes with its four signed bytes; kWide: a code may
// be above 127.
template <bool kWide>
static inline Ints dot(const Ints& acc, const Ints& codes, const Ints& quants) {
  return each_int([&](int i) {
    uint8_t code[4];
    int8_t quant[4];
    memcpy(code, &codes.lane[i], 4);
    memcpy(quant, &quants.lane[i], 4);
    return acc.lane[i] + code[0] * quant[0] + code[1] * quant[1] + code[2] * quant[2] +
           code[3] * quant[3];
  });
}
// The same with four bytes from memory.
template <bool kWide>
static inline Ints dot_at(const Ints& acc, const Ints& codes, const int8_t* quants) {
  return dot<kWide>(acc, codes, broadcast(quants));
}
// acc + a.low * b.low + a.high * b.high over the int16 halves of each lane.
static inline Ints dot_pairs(const Ints& acc, const Ints& a, const Ints& b) {
  return each_int([&](int i) {
    const int32_t low = static_cast<int16_t>(a.lane[i]) * static_cast<int16_t>(b.lane[i]);
    const int32_t high = (a.lane[i] >> 16) * (b.lane[i] >> 16);
    return acc.lane[i] + low + high;
  });
}
static inline Floats to_floats(const Ints& a) {
  return each([&](int i) { return static_cast<float>(a.lane[i]); });
}
static inline Ints max_magnitude_bits(const Ints& acc, const Floats& a) {
  return each_int([&](int i) {
    int32_t bits;
    memcpy(&bits, &a.lane[i], 4);
    bits &= 0x7FFFFFFF;
    return bits > acc.lane[i] ? bits : acc.lane[i];
  });
}
static inline Ints max_ints(const Ints& a, const Ints& b) {
  return each_int([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
static inline int32_t largest_int(const Ints& a) {
  int32_t out = a.lane[0];
  for (int i = 1; i < 16; ++i) out = a.lane[i] > out ? a.lane[i] : out;
  return out;
}
// Bit i: lanes i are equal.
static inline uint32_t equal(const Ints& a, const Ints& b) {
  uint32_t bits = 0;
  for (int i = 0; i < 16; ++i) bits |= static_cast<uint32_t>(a.lane[i] == b.lane[i]) << i;
  return bits;
}
// 0 in the lanes whose bit is not set.
static inline Floats keep_lanes(const Floats& a, uint32_t lanes) {
  return each([&](int i) { return (lanes >> i & 1) != 0 ? a.lane[i] : 0.0f; });
}
// Rounds to the nearest integers (ties to even), stores them and returns them.
static inline Ints store_rounded(int8_t* out, const Floats& a) {
  const Ints rounded = each_int([&](int i) { return static_cast<int32_t>(lrintf(a.lane[i])); });
  for (int i = 0; i < 16; ++i) out[i] = static_cast<int8_t>(rounded.lane[i]);
  return rounded;
}
static inline Ints store_rounded(int16_t* out, const Floats& a) {
  const Ints rounded = each_int([&](int i) { return static_cast<int32_t>(lrintf(a.lane[i])); });
  for (int i = 0; i < 16; ++i) out[i] = static_cast<int16_t>(rounded.lane[i]);
  return rounded;
}
static inline int32_t sum_ints(const Ints& a) {
  int32_t out = 0;
  for (int i = 0; i < 16; ++i) out += a.lane[i];
  return out;
}
// The lanes that `mask` names, closed up; all 16 places of `out` may be written.
static inline void store_chosen(float* out, uint32_t mask, const Floats& a) {
  for (; mask != 0; mask &= mask - 1) *out++ = a.lane[__builtin_ctz(mask)];
}
static inline void store_chosen(int32_t* out, uint32_t mask, const Ints& a) {
  for (; mask != 0; mask &= mask - 1) *out++ = a.lane[__builtin_ctz(mask)];
}
static inline Ints counting_from(int32_t first) {
  return each_int([=](int i) { return first + i; });
}

// 32 signed bytes as int16.
static inline Ints widen_bytes(const uint8_t* in) {
  int16_t wide[32];
  for (int i = 0; i < 32; ++i) wide[i] = static_cast<int8_t>(in[i]);
  return load_ints(wide);
}
// The lower, then the upper halves of the lanes, each as the upper half of a float32.
static inline Floats low_bfloats(const Ints& a) {
  return each([&](int i) {
    return bfloat_to_float(static_cast<uint16_t>(static_cast<uint32_t>(a.lane[i])));
  });
}
static inline Floats high_bfloats(const Ints& a) {
  return each([&](int i) {
    return bfloat_to_float(static_cast<uint16_t>(static_cast<uint32_t>(a.lane[i]) >> 16));
  });
}
static inline Floats round_to_bfloat(const Floats& a) {
  return each([&](int i) { return bfloat_to_float(float_to_bfloat(a.lane[i])); });
}
static inline void store_bfloat(uint16_t* out, const Floats& a) {
  for (int i = 0; i < 16; ++i) out[i] = float_to_bfloat(a.lane[i]);
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_SIMD_SCALAR_H
