// What attention does with the numbers of each type of cache: a format says how a vector of a page
// is read, multiplied and added up, and what query rows and weights look like to be multiplied so.
//
// A step is one vector of 16 lanes: of keys, kStep dimensions of 16 tokens; of values, 16 elements
// of kStep tokens. A query row or a row of weights has kWords 32-bit words per step, which are read
// for all lanes.
//
//   float16   products and sums in float32
//   bfloat16  queries and weights are rounded to bfloat16 too; a step's odd element is multiplied
//             and added first, then the even one, each rounded to float32: what vdpbf16ps does
//             (Intel SDM). Magnitudes below 2^-56 are 0, so that no product or sum is subnormal
//             (which that instruction would flush)
//   int8      queries and weights are 16-bit integers with a scale per row; sums are exact in 32
//             bits: 512 dimensions * 32767 * 127 and 256 tokens * 32767 * 127 are below 2^31
#ifndef QUIRE_CPU_ATTENTION_FORMATS_H
#define QUIRE_CPU_ATTENTION_FORMATS_H

#include "../include/quire_kernels.h"
#include "simd.h"

namespace quire::QUIRE_ISA {

constexpr float kQuantSteps = 32767;  // of a query row or a row of weights, either side of 0

static inline Floats load_words(const uint32_t* in) {
  return load(reinterpret_cast<const float*>(in));
}
static inline void store_words(uint32_t* out, Floats a) { store(reinterpret_cast<float*>(out), a); }
static inline Floats set1_float(const uint32_t* word) {
  float value;
  memcpy(&value, word, sizeof value);
  return set1(value);
}
static inline Ints set1_pair(const uint32_t* word) {
  int32_t value;
  memcpy(&value, word, sizeof value);
  return set1_ints(value);
}

// The largest magnitude of [count] floats; infinity or NaN where there is one.
static inline float largest_magnitude(const float* in, int64_t count) {
  Ints most = zero_ints();
  for (int64_t i = 0; i < count; i += kLanes) {
    most = max_magnitude_bits(most, load_up_to(in + i, count - i, 0));
  }
  const int32_t bits = largest_int(most);
  float magnitude;
  memcpy(&magnitude, &bits, sizeof magnitude);
  return magnitude;
}

struct HalfFormat {
  static constexpr int kStep = 1;
  static constexpr int kWords = 1;
  static constexpr int kStepBytes = 32;
  using Operand = Floats;
  using Sum = Floats;

  static Operand load(const uint8_t* in) {
    return load_half(reinterpret_cast<const uint16_t*>(in));
  }
  static Sum zero() { return set1(0); }
  static void add_product(Sum& sum, const Operand& a, const uint32_t* word) {
    sum = fmadd(a, set1_float(word), sum);
  }
};

#ifdef QUIRE_HAS_BFLOAT_DOT

struct BfloatFormat {
  static constexpr int kStep = 2;
  static constexpr int kWords = 1;
  static constexpr int kStepBytes = 64;
  using Operand = Ints;
  using Sum = Floats;

  static Operand load(const uint8_t* in) { return load_ints(in); }
  static Operand load_masked(const uint8_t* in, int32_t mask) {
    return and_ints(load_ints(in), mask);
  }
  static Sum zero() { return set1(0); }
  static void add_product(Sum& sum, const Operand& a, const uint32_t* word) {
    sum = dot_bfloats(sum, a, set1_pair(word));
  }
  // Sixteen elements of a row, magnitudes below 2^-56 already 0.
  static void store_row(uint32_t* words, int at, Floats a) {
    store_bfloat(reinterpret_cast<uint16_t*>(words) + at, a);
  }
};

#else

struct BfloatFormat {
  static constexpr int kStep = 2;
  static constexpr int kWords = 2;
  static constexpr int kStepBytes = 64;
  struct Operand {
    Floats even, odd;
  };
  using Sum = Floats;

  static Operand load(const uint8_t* in) { return load_masked(in, -1); }
  static Operand load_masked(const uint8_t* in, int32_t mask) {
    const Ints pairs = and_ints(load_ints(in), mask);
    return {low_bfloats(pairs), high_bfloats(pairs)};
  }
  static Sum zero() { return set1(0); }
  static void add_product(Sum& sum, const Operand& a, const uint32_t* word) {
    sum = fmadd(a.even, set1_float(word), fmadd(a.odd, set1_float(word + 1), sum));
  }
  static void store_row(uint32_t* words, int at, Floats a) {
    store_words(words + at, round_to_bfloat(a));
  }
};

#endif

struct ByteFormat {
  static constexpr int kStep = 2;
  static constexpr int kWords = 1;
  static constexpr int kStepBytes = 32;
  using Operand = Ints;
  using Sum = Ints;

  static Operand load(const uint8_t* in) { return widen_bytes(in); }
  static Operand load_masked(const uint8_t* in, int32_t mask) {
    return and_ints(widen_bytes(in), mask);
  }
  static Sum zero() { return zero_ints(); }
  static void add_product(Sum& sum, const Operand& a, const uint32_t* word) {
    sum = dot_pairs(sum, a, set1_pair(word));
  }
};

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_ATTENTION_FORMATS_H
