// Statuses with a text: `what must hold: name=value, name=value`, kept per thread.
#ifndef QUIRE_CPU_STATUS_H
#define QUIRE_CPU_STATUS_H

#include <stdint.h>

#include "../include/quire_kernels.h"

#define QUIRE_EXPORT extern "C" __attribute__((visibility("default")))

namespace quire {

// Sets the thread's error text and returns `status`. Neither allocates nor throws.
__attribute__((format(printf, 2, 3))) int32_t fail(int32_t status, const char* format, ...);

}  // namespace quire

#endif  // QUIRE_CPU_STATUS_H
