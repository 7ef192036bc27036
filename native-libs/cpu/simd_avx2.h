// simd.h's vocabulary in AVX2, FMA and F16C: two registers of eight lanes.
#ifndef QUIRE_CPU_SIMD_AVX2_H
#define QUIRE_CPU_SIMD_AVX2_H

#include <immintrin.h>

#define QUIRE_UNROLL _Pragma("GCC unroll 4")

namespace quire::QUIRE_ISA {

constexpr int kUnroll = 8;  // runs of a quantised tile
constexpr int kTokenGroup = 4;
constexpr bool kWideSigned = true;  // dot<true> takes 128 off every code
constexpr int kRowGroup = 4;
constexpr int kSums = 4;

struct Floats {
  __m256 low, high;
};
struct Ints {
  __m256i low, high;
};

static inline Floats set1(float a) { return {_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
static inline Floats load(const float* in) {
  return {_mm256_loadu_ps(in), _mm256_loadu_ps(in + 8)};
}
static inline void store(float* out, Floats a) {
  _mm256_storeu_ps(out, a.low);
  _mm256_storeu_ps(out + 8, a.high);
}
static inline Floats load_half(const uint16_t* in) {
  const __m128i* halves = reinterpret_cast<const __m128i*>(in);
  return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
}
static inline __m256 widen_bfloat(__m128i halves) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
static inline Floats load_bfloat(const uint16_t* in) {
  const __m128i* halves = reinterpret_cast<const __m128i*>(in);
  return {widen_bfloat(_mm_loadu_si128(halves)), widen_bfloat(_mm_loadu_si128(halves + 1))};
}
static inline Floats load_signed_bytes(const uint8_t* in) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline void store_half(uint16_t* out, Floats a) {
  __m128i* halves = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(halves, _mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(halves + 1, _mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT));
}
static inline Floats add(Floats a, Floats b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
static inline Floats sub(Floats a, Floats b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
static inline Floats mul(Floats a, Floats b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
static inline Floats div(Floats a, Floats b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
static inline Floats fmadd(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
static inline Floats max(Floats a, Floats b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
static inline Floats min(Floats a, Floats b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
static inline Floats round_even(Floats a) {
  return {_mm256_round_ps(a.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
          _mm256_round_ps(a.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline __m256 power_of_two(__m256 n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
static inline Floats scale_by_power(Floats a, Floats n) {
  return mul(a, {power_of_two(n.low), power_of_two(n.high)});
}
static inline Floats zero_below(Floats x, float bound, Floats a) {
  const __m256 limit = _mm256_set1_ps(bound);
  return {_mm256_and_ps(_mm256_cmp_ps(x.low, limit, _CMP_NLT_UQ), a.low),
          _mm256_and_ps(_mm256_cmp_ps(x.high, limit, _CMP_NLT_UQ), a.high)};
}
static inline Floats if_number(Floats a, Floats test, float other) {
  const __m256 rest = _mm256_set1_ps(other);
  return {_mm256_blendv_ps(rest, a.low, _mm256_cmp_ps(test.low, test.low, _CMP_ORD_Q)),
          _mm256_blendv_ps(rest, a.high, _mm256_cmp_ps(test.high, test.high, _CMP_ORD_Q))};
}
static inline uint32_t above(Floats a, Floats b) {
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(a.low, b.low, _CMP_GT_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(a.high, b.high, _CMP_GT_OQ));
  return static_cast<uint32_t>(low | high << 8);
}
static inline float sum(Floats a) {
  const __m256 half = _mm256_add_ps(a.low, a.high);
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}
static inline float largest(Floats a) {
  const __m256 half = _mm256_max_ps(a.low, a.high);
  __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

static inline Floats swap_pairs(Floats a) {
  return {_mm256_permute_ps(a.low, 0xB1), _mm256_permute_ps(a.high, 0xB1)};
}
static inline Floats load_twice(const float* in) {
  const __m256 eight = _mm256_loadu_ps(in);
  return {_mm256_permutevar8x32_ps(eight, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
          _mm256_permutevar8x32_ps(eight, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
}
static inline Floats negate_even(Floats a) {
  const __m256 sign = _mm256_castsi256_ps(_mm256_set1_epi64x(0x80000000));
  return {_mm256_xor_ps(a.low, sign), _mm256_xor_ps(a.high, sign)};
}

static inline Ints zero_ints() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
static inline Ints load_ints(const void* in) {
  const __m256i* halves = static_cast<const __m256i*>(in);
  return {_mm256_loadu_si256(halves), _mm256_loadu_si256(halves + 1)};
}
static inline void store_ints(void* out, Ints a) {
  __m256i* halves = static_cast<__m256i*>(out);
  _mm256_storeu_si256(halves, a.low);
  _mm256_storeu_si256(halves + 1, a.high);
}
static inline Ints set1_ints(int32_t a) { return {_mm256_set1_epi32(a), _mm256_set1_epi32(a)}; }
static inline Ints and_ints(Ints a, int32_t mask) {
  const __m256i bits = _mm256_set1_epi32(mask);
  return {_mm256_and_si256(a.low, bits), _mm256_and_si256(a.high, bits)};
}
static inline Ints or_ints(Ints a, Ints b) {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
static inline Ints add_ints(Ints a, Ints b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
static inline Ints shift_right(Ints a, int bits) {
  return {_mm256_srli_epi16(a.low, bits), _mm256_srli_epi16(a.high, bits)};
}
static inline Ints shift_left(Ints a, int bits) {
  return {_mm256_slli_epi16(a.low, bits), _mm256_slli_epi16(a.high, bits)};
}
static inline Ints shift_signed(Ints a, int bits) {
  return {_mm256_srai_epi32(a.low, bits), _mm256_srai_epi32(a.high, bits)};
}
static inline Ints load_table(const uint8_t* in) {
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
  return {table, table};
}
static inline Ints look_up(Ints table, Ints index) {
  return {_mm256_shuffle_epi8(table.low, index.low), _mm256_shuffle_epi8(table.high, index.high)};
}
static inline Ints broadcast(const void* in) {
  int32_t four;
  memcpy(&four, in, 4);
  return set1_ints(four);
}
static inline __m256i dot_bytes(__m256i acc, __m256i codes, __m256i quants) {
  const __m256i pairs = _mm256_maddubs_epi16(codes, quants);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
// (code - 128) * quant: pairs of codes above 127 would not fit 16 bits, pairs of magnitudes do.
static inline __m256i dot_wide(__m256i acc, __m256i codes, __m256i quants) {
  const __m256i weights = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
  return dot_bytes(acc, _mm256_abs_epi8(weights), _mm256_sign_epi8(quants, weights));
}
template <bool kWide>
static inline Ints dot(Ints acc, Ints codes, Ints quants) {
  if constexpr (kWide) {
    return {dot_wide(acc.low, codes.low, quants.low), dot_wide(acc.high, codes.high, quants.high)};
  }
  return {dot_bytes(acc.low, codes.low, quants.low), dot_bytes(acc.high, codes.high, quants.high)};
}
template <bool kWide>
static inline Ints dot_at(Ints acc, Ints codes, const int8_t* quants) {
  return dot<kWide>(acc, codes, broadcast(quants));
}
static inline Ints dot_pairs(Ints acc, Ints a, Ints b) {
  return add_ints(acc, {_mm256_madd_epi16(a.low, b.low), _mm256_madd_epi16(a.high, b.high)});
}
static inline Floats to_floats(Ints a) {
  return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)};
}
static inline Ints max_magnitude_bits(Ints acc, Floats a) {
  const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
  return {_mm256_max_epi32(acc.low, _mm256_and_si256(_mm256_castps_si256(a.low), mask)),
          _mm256_max_epi32(acc.high, _mm256_and_si256(_mm256_castps_si256(a.high), mask))};
}
static inline Ints max_ints(Ints a, Ints b) {
  return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
}
static inline int32_t largest_int(Ints a) {
  const __m256i half = _mm256_max_epi32(a.low, a.high);
  __m128i quarter = _mm_max_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  quarter = _mm_max_epi32(quarter, _mm_shuffle_epi32(quarter, 0x4E));
  return _mm_cvtsi128_si32(_mm_max_epi32(quarter, _mm_shuffle_epi32(quarter, 0xB1)));
}
static inline uint32_t equal(Ints a, Ints b) {
  const __m256i low = _mm256_cmpeq_epi32(a.low, b.low);
  const __m256i high = _mm256_cmpeq_epi32(a.high, b.high);
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(low)) |
                               _mm256_movemask_ps(_mm256_castsi256_ps(high)) << 8);
}
static inline __m256 keep_eight(__m256 a, uint32_t lanes) {
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i kept = _mm256_and_si256(_mm256_set1_epi32(static_cast<int32_t>(lanes)), bit);
  return _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(kept, bit)));
}
static inline Floats keep_lanes(Floats a, uint32_t lanes) {
  return {keep_eight(a.low, lanes), keep_eight(a.high, lanes >> 8)};
}
static inline Ints store_rounded(int8_t* out, Floats a) {
  const Ints rounded = {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)};
  const __m256i halves =
      _mm256_permute4x64_epi64(_mm256_packs_epi32(rounded.low, rounded.high), 0xD8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  return rounded;
}
static inline Ints store_rounded(int16_t* out, Floats a) {
  const Ints rounded = {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)};
  const __m256i packed = _mm256_packs_epi32(rounded.low, rounded.high);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute4x64_epi64(packed, 0xD8));
  return rounded;
}
static inline int32_t sum_ints(Ints a) {
  const __m256i half = _mm256_add_epi32(a.low, a.high);
  __m128i quarter = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  quarter = _mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0xB1)));
}
// The lanes that `mask` names, closed up; all 16 places of `out` may be written.
static inline void store_chosen(float* out, uint32_t mask, const Floats& a) {
  float lanes[16];
  store(lanes, a);
  for (; mask != 0; mask &= mask - 1) *out++ = lanes[__builtin_ctz(mask)];
}
static inline void store_chosen(int32_t* out, uint32_t mask, const Ints& a) {
  int32_t lanes[16];
  memcpy(lanes, &a, sizeof(lanes));
  for (; mask != 0; mask &= mask - 1) *out++ = lanes[__builtin_ctz(mask)];
}
static inline Ints counting_from(int32_t first) {
  const __m256i low =
      _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
  return {low, _mm256_add_epi32(low, _mm256_set1_epi32(8))};
}

static inline Ints widen_bytes(const uint8_t* in) {
  const __m128i* halves = reinterpret_cast<const __m128i*>(in);
  return {_mm256_cvtepi8_epi16(_mm_loadu_si128(halves)),
          _mm256_cvtepi8_epi16(_mm_loadu_si128(halves + 1))};
}
static inline Floats low_bfloats(Ints a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(a.low, 16)),
          _mm256_castsi256_ps(_mm256_slli_epi32(a.high, 16))};
}
static inline Floats high_bfloats(Ints a) {
  const __m256i mask = _mm256_set1_epi32(~0xFFFF);
  return {_mm256_castsi256_ps(_mm256_and_si256(a.low, mask)),
          _mm256_castsi256_ps(_mm256_and_si256(a.high, mask))};
}
static inline __m256i round_bits_to_bfloat(__m256 a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256i number = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_ORD_Q));
  return _mm256_blendv_epi8(_mm256_set1_epi32(0x7FC00000), up, number);
}
static inline Floats round_to_bfloat(Floats a) {
  return high_bfloats({round_bits_to_bfloat(a.low), round_bits_to_bfloat(a.high)});
}
static inline void store_bfloat(uint16_t* out, Floats a) {
  const __m256i packed = _mm256_packus_epi32(_mm256_srli_epi32(round_bits_to_bfloat(a.low), 16),
                                             _mm256_srli_epi32(round_bits_to_bfloat(a.high), 16));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permute4x64_epi64(packed, 0xD8));
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_SIMD_AVX2_H
