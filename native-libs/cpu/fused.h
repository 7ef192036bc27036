// The fused operations of a step over the worker threads (quire_kernels.h says what each gives).
#ifndef QUIRE_CPU_FUSED_H
#define QUIRE_CPU_FUSED_H

#include "context.h"

namespace quire {

void embed(quire_context& context);
void attention_input(quire_context& context, int32_t layer);
// x += norm(projection * in + bias), in [T, cols].
void add_to_residual(quire_context& context, const Projection& projection, const NormWeights& norm,
                     const float* in);
void feed_forward_gate(quire_context& context, int32_t layer);
void logits(quire_context& context);

// out = the hidden layer of `count` elements; gate is read where the activation has one.
void activate(const KernelTable& kernels, int32_t activation, int64_t count, const float* gate,
              const float* up, float* out);

}  // namespace quire

#endif  // QUIRE_CPU_FUSED_H
