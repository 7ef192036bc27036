// Sixteen float lanes (or 16 x int32, 32 x int16) in the registers of one instruction set.
//
// Included only by sources that are compiled per instruction set with QUIRE_ISA set to scalar,
// avx2, avx512, vnni, bfloat or amx; everything lies in the namespace quire::QUIRE_ISA. No standard
// templates here: their instances would be merged across instruction sets by the linker.
//
// max(a, b) and min(a, b) are x86's: b where either is not a number.
#ifndef QUIRE_CPU_SIMD_H
#define QUIRE_CPU_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel_table.h"

#if defined(__AVX512F__)
#include "simd_avx512.h"
#elif defined(__AVX2__)
#include "simd_avx2.h"
#else
#include "simd_scalar.h"
#endif

namespace quire::QUIRE_ISA {

// Asks for a cache line. GCC 12 takes a function that does nothing but __builtin_prefetch for one
// without effect, and drops its calls.
static inline void ask_for(const void* line) {
  __asm__ volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(line)));
}

// The first `count` < 16 elements; the others are `rest`.
static inline Floats load_part(const float* in, int64_t count, float rest) {
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = rest;
  memcpy(lanes, in, static_cast<size_t>(count) * sizeof(float));
  return load(lanes);
}

static inline void store_part(float* out, int64_t count, Floats a) {
  float lanes[kLanes];
  store(lanes, a);
  memcpy(out, lanes, static_cast<size_t>(count) * sizeof(float));
}

static inline Floats load_up_to(const float* in, int64_t count, float rest) {
  return count >= kLanes ? load(in) : load_part(in, count, rest);
}

static inline void store_up_to(float* out, int64_t count, Floats a) {
  if (count >= kLanes) {
    store(out, a);
  } else {
    store_part(out, count, a);
  }
}

// Magnitudes below 2^-56 to 0.
static inline Floats flush_tiny(Floats a) {
  return zero_below(max(a, sub(set1(0), a)), 0x1p-56f, a);
}

// e^x by x = n ln 2 + r, |r| <= ln 2 / 2, and the degree-5 polynomial of Cephes' expf (Moshier,
// 1989) for (e^r - 1 - r) / r^2. Largest error over [-87, 88]: 1.5 ulp, held to 2 by the native
// tests. Below -87.33 (where float32 has no normal numbers): 0. Above 88.37: e^88.37. Not a number
// stays so.
static inline Floats exp(Floats x) {
  const Floats clamped = min(set1(88.37f), max(set1(-87.33f), x));
  const Floats n = round_even(mul(clamped, set1(1.44269504088896341f)));
  Floats r = fmadd(n, set1(-0.693359375f), clamped);
  r = fmadd(n, set1(2.12194440e-4f), r);
  Floats p = set1(1.9875691500e-4f);
  p = fmadd(p, r, set1(1.3981999507e-3f));
  p = fmadd(p, r, set1(8.3334519073e-3f));
  p = fmadd(p, r, set1(4.1665795894e-2f));
  p = fmadd(p, r, set1(1.6666665459e-1f));
  p = fmadd(p, r, set1(5.0000001201e-1f));
  p = fmadd(p, mul(r, r), add(r, set1(1.0f)));
  return zero_below(x, -87.33f, scale_by_power(p, n));
}

}  // namespace quire::QUIRE_ISA

#endif  // QUIRE_CPU_SIMD_H
