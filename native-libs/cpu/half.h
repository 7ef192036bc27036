// IEEE binary16 <-> binary32 without vector instructions; rounds to nearest, ties to even. And
// bfloat16, the upper half of a binary32.
//
// Internal linkage on purpose: this header is compiled with different instruction sets.
#ifndef QUIRE_CPU_HALF_H
#define QUIRE_CPU_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  uint32_t mantissa = half & 0x3FFu;
  uint32_t bits;
  if (exponent == 31) {
    // The quiet bit is set, as vcvtph2ps does.
    bits = sign | 0x7F800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    // Subnormal: mantissa * 2^-24 is exact in float32.
    const float value = static_cast<float>(mantissa) * 5.9604644775390625e-8f;
    memcpy(&bits, &value, 4);
    bits |= sign;
  }
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  bits &= 0x7FFFFFFFu;
  if (bits > 0x7F800000u) {
    return static_cast<uint16_t>(sign | 0x7E00u | ((bits >> 13) & 0x3FFu));
  }
  if (bits >= 0x477FF000u) {  // 65520 and above round to infinity.
    return static_cast<uint16_t>(sign | 0x7C00u);
  }
  if (bits >=
      0x38800000u) {  // Normal: 2^-14 and above. Adding rounds and carries into the exponent.
    const uint32_t odd = (bits >> 13) & 1;
    return static_cast<uint16_t>(sign | ((bits - 0x38000000u + 0xFFFu + odd) >> 13));
  }
  // Subnormal: adding 0.5 puts the result's last place (2^-24) at float32's, whose addition rounds.
  float magnitude;
  memcpy(&magnitude, &bits, 4);
  const float shifted = magnitude + 0.5f;
  memcpy(&bits, &shifted, 4);
  return static_cast<uint16_t>(sign | (bits - 0x3F000000u));
}

static inline float bfloat_to_float(uint16_t upper) {
  const uint32_t bits = uint32_t{upper} << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// Rounds to nearest, ties to even.
static inline uint16_t float_to_bfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FC0;
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1)) >> 16);
}

#endif  // QUIRE_CPU_HALF_H
