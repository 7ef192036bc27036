// out = (in - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al., 2016), one token.
//
//   in, weight, bias, out [cols] float32; bias may be null; out may be in
//
// Parallel over tokens, by the caller. The variance is the mean square of what is left without the
// mean, in a second pass: the difference of two large sums would cancel. Sums take 16 lanes and one
// tree.
#include "simd.h"

namespace quire::QUIRE_ISA {

void layer_norm(const float* in, const float* weight, const float* bias, float epsilon,
                int64_t cols, float* out) {
  const float count = static_cast<float>(cols);
  Floats total = set1(0);
  for (int64_t i = 0; i < cols; i += kLanes) total = add(total, load_up_to(in + i, cols - i, 0));
  const float mean = sum(total) / count;
  Floats squares = set1(0);
  for (int64_t i = 0; i < cols; i += kLanes) {
    const Floats x = sub(load_up_to(in + i, cols - i, mean), set1(mean));
    squares = fmadd(x, x, squares);
  }
  const Floats factor = set1(1.0f / sqrtf(sum(squares) / count + epsilon));
  for (int64_t i = 0; i < cols; i += kLanes) {
    const int64_t left = cols - i;
    const Floats x = mul(sub(load_up_to(in + i, left, 0), set1(mean)), factor);
    const Floats scaled = mul(x, load_up_to(weight + i, left, 0));
    store_up_to(out + i, left,
                bias == nullptr ? scaled : add(scaled, load_up_to(bias + i, left, 0)));
  }
}

}  // namespace quire::QUIRE_ISA
