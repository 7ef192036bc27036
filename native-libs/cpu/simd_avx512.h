// simd.h's vocabulary in AVX-512 (F, BW, VL, DQ); with VNNI, int16 pairs take one instruction.
#ifndef QUIRE_CPU_SIMD_AVX512_H
#define QUIRE_CPU_SIMD_AVX512_H

#include <immintrin.h>

namespace quire::QUIRE_ISA {

constexpr int kUnroll = 8;  // runs of a quantised tile
constexpr int kTokenGroup = 6;
#ifdef __AVX512VNNI__
constexpr bool kWideSigned = false;
#else
constexpr bool kWideSigned = true;  // dot<true> takes 128 off every code
#endif
constexpr int kRowGroup = 8;  // query rows per reading of a page
constexpr int kSums = 16;     // vectors of sums that fit the registers beside what they are made of

#define QUIRE_UNROLL _Pragma("GCC unroll 12")

#ifdef __AVX512BF16__
#define QUIRE_HAS_BFLOAT_DOT
#endif

using Floats = __m512;
using Ints = __m512i;

static inline Floats set1(float a) { return _mm512_set1_ps(a); }
static inline Floats load(const float* in) { return _mm512_loadu_ps(in); }
static inline void store(float* out, Floats a) { _mm512_storeu_ps(out, a); }
static inline Floats load_half(const uint16_t* in) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
}
static inline Floats load_bfloat(const uint16_t* in) {
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
static inline Floats load_signed_bytes(const uint8_t* in) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}
static inline void store_half(uint16_t* out, Floats a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                      _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
static inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
static inline Floats sub(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
static inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
static inline Floats div(Floats a, Floats b) { return _mm512_div_ps(a, b); }
static inline Floats fmadd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
static inline Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
static inline Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
static inline Floats round_even(Floats a) {
  return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline Floats scale_by_power(Floats a, Floats n) {
  const Ints exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_mul_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
}
static inline Floats zero_below(Floats x, float bound, Floats a) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(bound), _CMP_NLT_UQ), a);
}
static inline Floats if_number(Floats a, Floats test, float other) {
  return _mm512_mask_mov_ps(_mm512_set1_ps(other), _mm512_cmp_ps_mask(test, test, _CMP_ORD_Q), a);
}
static inline uint32_t above(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline float sum(Floats a) {
  __m256 half = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}
static inline float largest(Floats a) {
  __m256 half = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

static inline Floats swap_pairs(Floats a) { return _mm512_permute_ps(a, 0xB1); }
static inline Floats load_twice(const float* in) {
  const __m512i index = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  return _mm512_permutexvar_ps(index, _mm512_castps256_ps512(_mm256_loadu_ps(in)));
}
static inline Floats negate_even(Floats a) {
  return _mm512_xor_ps(a, _mm512_castsi512_ps(_mm512_set1_epi64(0x80000000)));
}

static inline Ints zero_ints() { return _mm512_setzero_si512(); }
static inline Ints load_ints(const void* in) { return _mm512_loadu_si512(in); }
static inline void store_ints(void* out, Ints a) { _mm512_storeu_si512(out, a); }
static inline Ints set1_ints(int32_t a) { return _mm512_set1_epi32(a); }
static inline Ints and_ints(Ints a, int32_t mask) {
  return _mm512_and_si512(a, _mm512_set1_epi32(mask));
}
static inline Ints or_ints(Ints a, Ints b) { return _mm512_or_si512(a, b); }
static inline Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
static inline Ints shift_right(Ints a, int bits) {
  return _mm512_srli_epi16(a, static_cast<unsigned>(bits));
}
static inline Ints shift_left(Ints a, int bits) {
  return _mm512_slli_epi16(a, static_cast<unsigned>(bits));
}
static inline Ints shift_signed(Ints a, int bits) {
  return _mm512_srai_epi32(a, static_cast<unsigned>(bits));
}
static inline Ints load_table(const uint8_t* in) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
}
static inline Ints look_up(Ints table, Ints index) { return _mm512_shuffle_epi8(table, index); }
static inline Ints broadcast(const void* in) {
  int32_t four;
  memcpy(&four, in, 4);
  return _mm512_set1_epi32(four);
}
template <bool kWide>
static inline Ints dot(Ints acc, Ints codes, Ints quants) {
#ifdef __AVX512VNNI__
  return _mm512_dpbusd_epi32(acc, codes, quants);
#else
  if constexpr (kWide) {
    // Pairs of codes above 127 would not fit 16 bits, pairs of magnitudes do.
    const Ints weights = _mm512_xor_si512(codes, _mm512_set1_epi8(-128));
    codes = _mm512_abs_epi8(weights);
    quants = _mm512_mask_sub_epi8(quants, _mm512_movepi8_mask(weights), zero_ints(), quants);
  }
  return _mm512_add_epi32(
      acc, _mm512_madd_epi16(_mm512_maddubs_epi16(codes, quants), _mm512_set1_epi16(1)));
#endif
}
template <bool kWide>
static inline Ints dot_at(Ints acc, Ints codes, const int8_t* quants) {
#ifdef __AVX512VNNI__
  // GCC 12 loads a broadcast by itself, which halves the rate; as an operand it costs nothing.
  __asm__("vpdpbusd %2%{1to16%}, %1, %0"
          : "+v"(acc)
          : "v"(codes), "m"(*reinterpret_cast<const int8_t (*)[4]>(quants)));
  return acc;
#else
  return dot<kWide>(acc, codes, broadcast(quants));
#endif
}
static inline Ints dot_pairs(Ints acc, Ints a, Ints b) {
#ifdef __AVX512VNNI__
  // GCC 12 copies the accumulator of the intrinsic to and fro.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
  return acc;
#else
  return _mm512_add_epi32(acc, _mm512_madd_epi16(a, b));
#endif
}
static inline Floats to_floats(Ints a) { return _mm512_cvtepi32_ps(a); }
static inline Ints max_magnitude_bits(Ints acc, Floats a) {
  return _mm512_max_epi32(acc,
                          _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7FFFFFFF)));
}
static inline Ints max_ints(Ints a, Ints b) { return _mm512_max_epi32(a, b); }
static inline int32_t largest_int(Ints a) { return _mm512_reduce_max_epi32(a); }
static inline uint32_t equal(Ints a, Ints b) { return _mm512_cmpeq_epi32_mask(a, b); }
static inline Floats keep_lanes(Floats a, uint32_t lanes) {
  return _mm512_maskz_mov_ps(static_cast<__mmask16>(lanes), a);
}
static inline Ints store_rounded(int8_t* out, Floats a) {
  const Ints rounded = _mm512_cvtps_epi32(a);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(rounded));
  return rounded;
}
static inline Ints store_rounded(int16_t* out, Floats a) {
  const Ints rounded = _mm512_cvtps_epi32(a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(rounded));
  return rounded;
}
static inline int32_t sum_ints(Ints a) { return _mm512_reduce_add_epi32(a); }
// The lanes that `mask` names, closed up; all 16 places of `out` are written. Compressing into a
// register and storing all of it is ten times quicker on Zen 4 than a compressing store.
static inline void store_chosen(float* out, uint32_t mask, Floats a) {
  _mm512_storeu_ps(out, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), a));
}
static inline void store_chosen(int32_t* out, uint32_t mask, Ints a) {
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), a));
}
static inline Ints counting_from(int32_t first) {
  return _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                          _mm512_set1_epi32(first));
}
static inline Ints widen_bytes(const uint8_t* in) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
}
static inline Floats low_bfloats(Ints a) { return _mm512_castsi512_ps(_mm512_slli_epi32(a, 16)); }
static inline Floats high_bfloats(Ints a) {
  return _mm512_castsi512_ps(_mm512_and_si512(a, _mm512_set1_epi32(~0xFFFF)));
}
static inline Floats round_to_bfloat(Floats a) {
  const Ints bits = _mm512_castps_si512(a);
  const Ints odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const Ints up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  const __mmask16 number = _mm512_cmp_ps_mask(a, a, _CMP_ORD_Q);
  return high_bfloats(_mm512_mask_mov_epi32(_mm512_set1_epi32(0x7FC00000), number, up));
}
#ifdef QUIRE_HAS_BFLOAT_DOT
static inline void store_bfloat(uint16_t* out, Floats a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                      reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a)));
}
static inline Floats dot_bfloats(Floats acc, Ints a, Ints b) {
  return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
#else
static inline void store_bfloat(uint16_t* out, Floats a) {
  const Ints upper = _mm512_srli_epi32(_mm512_castps_si512(round_to_bfloat(a)), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(upper));
}
#endif

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_SIMD_AVX512_H
