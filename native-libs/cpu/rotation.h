// The angles of a rotary embedding.
#ifndef QUIRE_CPU_ROTATION_H
#define QUIRE_CPU_ROTATION_H

#include "context.h"

namespace quire {

// Cosines and sines [dim / 2] at `position`, times the magnitude, into entry `token` of the rope's
// tables.
void set_rotation(Rope& rope, int64_t token, int32_t position);

// Rotates elements [begin, end) of the heads in `data` [heads, head_dim] by that entry.
void rotate(const quire_context& context, const Rope& rope, int64_t token, float* data,
            int64_t begin, int64_t end);

}  // namespace quire

#endif  // QUIRE_CPU_ROTATION_H
