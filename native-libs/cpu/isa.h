// Which instruction sets this processor and its operating system offer.
#ifndef QUIRE_CPU_ISA_H
#define QUIRE_CPU_ISA_H

#include "kernel_table.h"

namespace quire {

// Beside QUIRE_ISA_*: AVX-512 without VNNI even where the processor has it, for tests.
constexpr int32_t kIsaAvx512WithoutVnni = 4;
// AVX-512 and VNNI without BF16, for tests too.
constexpr int32_t kIsaWithoutBfloat = 100;

// The table that `isa` selects, and in *chosen its QUIRE_ISA_*; nullptr where it is missing.
const KernelTable* kernels_of(int32_t isa, int32_t* chosen);

}  // namespace quire

#endif  // QUIRE_CPU_ISA_H
