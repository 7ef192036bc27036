// Instruction sets by cpuid, counted only where the operating system saves their registers (XCR0).
//
// Each set is a superset of the one before it. AVX-512 means F, BW, VL and DQ. (Intel SDM vol. 1,
// sections 13.2 and 14.3: detection of XSAVE-enabled features; section 18.3: AMX. Linux
// documentation, arch/x86/xstate: a process asks for the tiles before it touches them.)
#include "isa.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "status.h"
#include "tile_table.h"

namespace quire {

static constexpr uint64_t kAvxState = 0x6;        // XMM, YMM
static constexpr uint64_t kAvx512State = 0xE0;    // opmask, upper ZMM, ZMM16-31
static constexpr uint64_t kTileState = 0x6'0000;  // TILECFG, TILEDATA
static constexpr int kRequestState = 0x1023;      // ARCH_REQ_XCOMP_PERM
static constexpr int kTileData = 18;              // XFEATURE_XTILEDATA

struct Feature {
  int32_t isa;  // the least that needs it
  const char* name;
  uint32_t Processor::* leaf;  // null: xcr0
  uint64_t bits;
};

static constexpr Feature kFeatures[] = {
    {QUIRE_ISA_AVX2, "avx", &Processor::leaf1_ecx, bit_AVX},
    {QUIRE_ISA_AVX2, "fma", &Processor::leaf1_ecx, bit_FMA},
    {QUIRE_ISA_AVX2, "f16c", &Processor::leaf1_ecx, bit_F16C},
    {QUIRE_ISA_AVX2, "avx2", &Processor::leaf7_ebx, bit_AVX2},
    {QUIRE_ISA_AVX2, "ymm registers of the operating system", nullptr, kAvxState},
    {QUIRE_ISA_AVX512, "avx512f", &Processor::leaf7_ebx, bit_AVX512F},
    {QUIRE_ISA_AVX512, "avx512bw", &Processor::leaf7_ebx, bit_AVX512BW},
    {QUIRE_ISA_AVX512, "avx512vl", &Processor::leaf7_ebx, bit_AVX512VL},
    {QUIRE_ISA_AVX512, "avx512dq", &Processor::leaf7_ebx, bit_AVX512DQ},
    {QUIRE_ISA_AVX512, "zmm registers of the operating system", nullptr, kAvx512State},
    {QUIRE_ISA_VNNI, "avx512_vnni", &Processor::leaf7_ecx, bit_AVX512VNNI},
    {QUIRE_ISA_AMX, "amx_tile", &Processor::leaf7_edx, 1u << 24},
    {QUIRE_ISA_AMX, "amx_int8", &Processor::leaf7_edx, 1u << 25},
    {QUIRE_ISA_AMX, "tiles of the operating system", nullptr, kTileState},
};

static uint64_t saved_state() {
  uint32_t low;
  uint32_t high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

Processor this_processor() {
  Processor out = {};
  uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    out.leaf1_ecx = c;
    if (c & bit_OSXSAVE) out.xcr0 = saved_state();
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    out.leaf7_ebx = b;
    out.leaf7_ecx = c;
    out.leaf7_edx = d;
  }
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) out.leaf7_1_eax = a;
  return out;
}

const char* isa_name(int32_t isa) {
  static constexpr const char* kNames[] = {"auto", "scalar", "avx2", "avx512", "vnni", "amx"};
  return isa >= QUIRE_ISA_AUTO && isa <= QUIRE_ISA_AMX ? kNames[isa] : "unknown";
}

static void append(char* names, size_t size, const char* name) {
  const size_t used = strlen(names);
  snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "", name);
}

static bool lacks(const Processor& processor, const Feature& feature, int32_t isa) {
  const uint64_t has = feature.leaf == nullptr ? processor.xcr0 : processor.*feature.leaf;
  return feature.isa <= isa && (has & feature.bits) != feature.bits;
}

void missing_features(const Processor& processor, int32_t isa, char* names, size_t size) {
  names[0] = 0;
  for (const Feature& feature : kFeatures) {
    if (lacks(processor, feature, isa)) append(names, size, feature.name);
  }
}

static bool runs(const Processor& processor, int32_t isa) {
  for (const Feature& feature : kFeatures) {
    if (lacks(processor, feature, isa)) return false;
  }
  return true;
}

static bool has_bfloat(const Processor& processor) {
  return (processor.leaf7_1_eax & bit_AVX512BF16) != 0;
}

static const KernelTable* table_of(const Processor& processor, int32_t isa) {
  switch (isa) {
    case QUIRE_ISA_SCALAR:
      return scalar_kernels();
    case QUIRE_ISA_AVX2:
      return avx2_kernels();
    case QUIRE_ISA_AVX512:
      return avx512_kernels();
    case QUIRE_ISA_VNNI:
      return has_bfloat(processor) ? bfloat_kernels() : vnni_kernels();
    default:
      return amx_kernels(has_bfloat(processor));
  }
}

static const KernelTable* refuse(const Processor& processor, int32_t isa, int32_t* status) {
  char missing[300];
  char available[100] = "";
  missing_features(processor, isa, missing, sizeof(missing));
  // Nothing is missing by cpuid: the kernel has refused the tiles.
  if (missing[0] == 0) append(missing, sizeof(missing), "permission to use tiles");
  for (int32_t other = QUIRE_ISA_SCALAR; other < isa; ++other) {
    if (runs(processor, other)) append(available, sizeof(available), isa_name(other));
  }
  *status = fail(QUIRE_ISA_MISSING,
                 "processor must have the instruction set: isa=%s, missing=[%s], available=[%s]",
                 isa_name(isa), missing, available);
  return nullptr;
}

// Linux gives tiles to a process that asks, for all its threads and for good.
static bool tiles_permitted() { return syscall(SYS_arch_prctl, kRequestState, kTileData) == 0; }

static bool offers(const Processor& processor, int32_t isa) {
  return runs(processor, isa) && (isa != QUIRE_ISA_AMX || tiles_permitted());
}

static const KernelTable* table_for_tests(const Processor& processor, int32_t isa) {
  if (isa == kIsaWithoutBfloat) return vnni_kernels();
  return amxemulated_kernels == nullptr ? nullptr : amxemulated_kernels(has_bfloat(processor));
}

const KernelTable* kernels_of(int32_t isa, int32_t* chosen) {
  const Processor processor = this_processor();
  if ((isa == kIsaWithoutBfloat || isa == kIsaEmulatedTiles) && runs(processor, QUIRE_ISA_VNNI)) {
    const KernelTable* kernels = table_for_tests(processor, isa);
    *chosen = QUIRE_ISA_VNNI;
    if (kernels != nullptr) return kernels;
  }
  if (isa < QUIRE_ISA_AUTO || isa > QUIRE_ISA_AMX) {
    *chosen = fail(QUIRE_INVALID_ARG, "isa must be one of QUIRE_ISA_*: isa=%d", isa);
    return nullptr;
  }
  if (isa == QUIRE_ISA_AUTO) {
    isa = QUIRE_ISA_AMX;
    while (!offers(processor, isa)) --isa;
  } else if (!offers(processor, isa)) {
    return refuse(processor, isa, chosen);
  }
  *chosen = isa;
  return table_of(processor, isa);
}

}  // namespace quire

QUIRE_EXPORT int32_t quire_isa(int32_t isa) {
  int32_t chosen;
  quire::kernels_of(isa, &chosen);
  return chosen;
}
