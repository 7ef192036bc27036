// Paged attention of a step over the worker threads.
#ifndef QUIRE_CPU_ATTENTION_H
#define QUIRE_CPU_ATTENTION_H

#include "context.h"

namespace quire {

// query, out [T, heads, head_dim] float32, T and tables of `plan`, cache of `layer`.
void attend(quire_context& context, int32_t layer, const quire_plan& plan, const float* query,
            float* out);

}  // namespace quire

#endif  // QUIRE_CPU_ATTENTION_H
