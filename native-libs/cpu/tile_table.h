// Tables whose quantised products run in AMX tiles, or in their emulation.
#ifndef QUIRE_CPU_TILE_TABLE_H
#define QUIRE_CPU_TILE_TABLE_H

#include "kernel_table.h"

namespace quire {

// The rest is VNNI's, or that of processors that also multiply bfloat16.
const KernelTable* amx_kernels(bool bfloat);

// Null where it is not linked: the emulation is slow, and no part of the library.
__attribute__((weak)) const KernelTable* amxemulated_kernels(bool bfloat);

}  // namespace quire

#endif  // QUIRE_CPU_TILE_TABLE_H
