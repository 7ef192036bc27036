// out = in / sqrt(mean(in^2) + epsilon) * weight (Zhang and Sennrich, 2019), one token.
//
//   in, weight, out [cols] float32; out may be in
//
// Parallel over tokens, by the caller. Squares are summed in 16 lanes and one tree.
#include "simd.h"

namespace quire::QUIRE_ISA {

void rms_norm(const float* in, const float* weight, float epsilon, int64_t cols, float* out) {
  Floats squares = set1(0);
  for (int64_t i = 0; i < cols; i += kLanes) {
    const Floats x = load_up_to(in + i, cols - i, 0);
    squares = fmadd(x, x, squares);
  }
  const float mean = sum(squares) / static_cast<float>(cols);
  const Floats factor = set1(1.0f / sqrtf(mean + epsilon));
  for (int64_t i = 0; i < cols; i += kLanes) {
    const Floats x = mul(load_up_to(in + i, cols - i, 0), factor);
    store_up_to(out + i, cols - i, mul(x, load_up_to(weight + i, cols - i, 0)));
  }
}

}  // namespace quire::QUIRE_ISA
