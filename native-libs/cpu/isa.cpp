// Instruction sets by cpuid, counted only where the operating system saves their registers (XCR0).
//
// AVX-512 means F, BW, VL and DQ; VNNI is taken where present and changes speed only. (Intel SDM
// vol. 1, sections 13.2 and 14.3: detection of XSAVE-enabled features.)
#include "isa.h"

#include <cpuid.h>

#include "status.h"

namespace quire {

static constexpr uint64_t kAvxState = 0x6;      // XMM, YMM
static constexpr uint64_t kAvx512State = 0xE6;  // and opmask, upper ZMM, ZMM16-31

struct Features {
  bool avx2, avx512, vnni, bfloat;
};

static uint64_t saved_state() {
  uint32_t low;
  uint32_t high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

static Features features() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return {false, false, false, false};
  const bool fma = (c & bit_FMA) && (c & bit_F16C) && (c & bit_AVX);
  const uint64_t state = saved_state();
  if (!fma || (state & kAvxState) != kAvxState || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    return {false, false, false, false};
  }
  const bool avx2 = b & bit_AVX2;
  const bool avx512 = avx2 && (b & bit_AVX512F) && (b & bit_AVX512BW) && (b & bit_AVX512VL) &&
                      (b & bit_AVX512DQ) && (state & kAvx512State) == kAvx512State;
  const bool vnni = avx512 && (c & bit_AVX512VNNI);
  const bool bfloat = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & bit_AVX512BF16);
  return {avx2, avx512, vnni, vnni && bfloat};
}

const KernelTable* kernels_of(int32_t isa, int32_t* chosen) {
  const Features has = features();
  if (isa == QUIRE_ISA_AUTO) {
    isa = has.avx512 ? QUIRE_ISA_AVX512 : has.avx2 ? QUIRE_ISA_AVX2 : QUIRE_ISA_SCALAR;
  }
  *chosen = isa == kIsaAvx512WithoutVnni || isa == kIsaWithoutBfloat ? QUIRE_ISA_AVX512 : isa;
  switch (isa) {
    case QUIRE_ISA_SCALAR:
      return scalar_kernels();
    case QUIRE_ISA_AVX2:
      return has.avx2 ? avx2_kernels() : nullptr;
    case QUIRE_ISA_AVX512:
      return has.bfloat   ? bfloat_kernels()
             : has.vnni   ? avx512vnni_kernels()
             : has.avx512 ? avx512_kernels()
                          : nullptr;
    case kIsaWithoutBfloat:
      return has.vnni ? avx512vnni_kernels() : nullptr;
    case kIsaAvx512WithoutVnni:
      return has.avx512 ? avx512_kernels() : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace quire

QUIRE_EXPORT int32_t quire_isa(int32_t isa) {
  int32_t chosen;
  if (quire::kernels_of(isa, &chosen) == nullptr) {
    return quire::fail(QUIRE_ISA_MISSING, "processor must have the instruction set: isa=%d", isa);
  }
  return chosen;
}
