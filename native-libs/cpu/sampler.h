// Choosing tokens from logits.
#ifndef QUIRE_CPU_SAMPLER_H
#define QUIRE_CPU_SAMPLER_H

#include "context.h"

namespace quire {

// logits [R, vocabulary], not changed; results into the plan's out and top arrays.
void sample_rows(quire_context& context, const quire_plan& plan, const float* logits);

// Philox4x32-10 (Salmon et al., SC 2011, section 4.3) as a number in [0, 1) with 53 random bits:
// key is `seed`, counter is (`counter`, 0).
double philox_uniform(int64_t seed, int64_t counter);

}  // namespace quire

#endif  // QUIRE_CPU_SAMPLER_H
