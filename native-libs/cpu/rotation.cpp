// Angles and their cosines and sines, worked out in double precision for the tokens of a step, once
// for all layers. A table of every position would cost memory and start-up time that grow with the
// context (64 MiB for 131,072 positions of 128 elements).
#include "rotation.h"

#include <math.h>

namespace quire {

void set_rotation(Rope& rope, int64_t token, int32_t position) {
  const int64_t pairs = rope.dim / 2;
  float* cosines = rope.cos.get() + token * pairs;
  float* sines = rope.sin.get() + token * pairs;
  const double magnitude = static_cast<double>(rope.magnitude);
  for (int64_t i = 0; i < pairs; ++i) {
    const double angle =
        position * static_cast<double>(rope.inverse_frequency[static_cast<size_t>(i)]);
    cosines[i] = static_cast<float>(cos(angle) * magnitude);
    sines[i] = static_cast<float>(sin(angle) * magnitude);
  }
}

void rotate(const quire_context& context, const Rope& rope, int64_t token, float* data,
            int64_t begin, int64_t end) {
  const KernelTable& kernels = *context.kernels;
  const auto turn = rope.pairs == QUIRE_PAIRS_HALVES ? kernels.rope_halves : kernels.rope_adjacent;
  const int64_t first = token * (rope.dim / 2);
  turn(data, begin, end, context.config.head_dim, rope.dim, rope.cos.get() + first,
       rope.sin.get() + first);
}

}  // namespace quire
