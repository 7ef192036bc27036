// Which instruction sets this processor and its operating system offer.
#ifndef QUIRE_CPU_ISA_H
#define QUIRE_CPU_ISA_H

#include <stddef.h>

#include "kernel_table.h"

namespace quire {

// What cpuid and xgetbv say: the registers of these leaves, 0 where the processor lacks the leaf.
struct Processor {
  uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx;
  uint64_t xcr0;  // register files that the operating system saves
  uint32_t leaf7_1_eax = 0;
};

// Beside QUIRE_ISA_*, for tests: VNNI without the BF16 instructions, which it takes where there are
// any; the bits are the same.
constexpr int32_t kIsaWithoutBfloat = 100;

// And VNNI with products in emulated tiles, where the emulation is linked.
constexpr int32_t kIsaEmulatedTiles = 101;

// This machine.
Processor this_processor();

// The name by which quire.cpu.isa knows a QUIRE_ISA_*; "unknown" for other numbers.
const char* isa_name(int32_t isa);

// Comma-separated names of what `processor` lacks for QUIRE_ISA_SCALAR ... AMX; "" where it has
// all, cut short where `size` bytes are too few.
void missing_features(const Processor& processor, int32_t isa, char* names, size_t size);

// The table that `isa` selects, and in *chosen its QUIRE_ISA_*; nullptr where this machine lacks
// it, with the error set and its status in *chosen.
const KernelTable* kernels_of(int32_t isa, int32_t* chosen);

}  // namespace quire

#endif  // QUIRE_CPU_ISA_H
