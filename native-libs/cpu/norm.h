// Normalising rows of the residual stream, as the model's configuration says.
#ifndef QUIRE_CPU_NORM_H
#define QUIRE_CPU_NORM_H

#include "context.h"

namespace quire {

// in, out [embedding]; out may be in.
inline void normalise(const quire_context& context, const NormWeights& norm, const float* in,
                      float* out) {
  const quire_config& c = context.config;
  if (c.norm == QUIRE_NORM_LAYER) {
    context.kernels->layer_norm(in, norm.weight, norm.bias, c.norm_epsilon, c.embedding, out);
  } else {
    context.kernels->rms_norm(in, norm.weight, c.norm_epsilon, c.embedding, out);
  }
}

}  // namespace quire

#endif  // QUIRE_CPU_NORM_H
