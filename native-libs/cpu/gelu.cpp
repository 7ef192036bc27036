// gelu(x) = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) (Hendrycks and Gimpel, 2016).
//
//   gelu_mul  out = gelu(gate) * up;  gelu  out = gelu(in); all [count] float32, out may be an
//   input
//
// Since (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)), it is x / (1 + exp(-t)) with t = 2u, without the
// cancellation of 1 + tanh(u) where x is negative. Four roundings make t, so exp(-t) is off by
// 4|t| + 4 half units in the last place, and as much of that counts as exp(-t) has in 1 + exp(-t).
// Largest relative error, held by the native tests: 2^-24 * (8 + 4 |t|) where x < 0, 2^-24 * 8
// where x >= 0. Below -10 the result is 0 (its magnitude is below 2e-37).
//
// Parallel over element ranges, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

static inline Floats gelu_of(Floats x) {
  // 2 sqrt(2 / pi) * (1 + 0.044715 x^2)
  const Floats slope = fmadd(mul(x, x), set1(0.0713548162726f), set1(1.59576912161f));
  const Floats t = mul(x, slope);
  const Floats y = div(x, add(set1(1.0f), exp(sub(set1(0.0f), t))));
  return zero_below(x, -10.0f, y);
}

void gelu_mul(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = count - i;
    const Floats g = gelu_of(load_up_to(gate + i, left, 0));
    store_up_to(out + i, left, mul(g, load_up_to(up + i, left, 0)));
  }
}

void gelu(const float* in, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    store_up_to(out + i, count - i, gelu_of(load_up_to(in + i, count - i, 0)));
  }
}

}  // namespace quire::QUIRE_ISA
