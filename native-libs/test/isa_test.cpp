// Which sets a processor is said to run, and what is said of those that it does not.
#include "../cpu/isa.h"

#include <string.h>

#include <string>

#include "check.h"
#include "fixture.h"

using namespace fixture;

// Bits by their numbers in Intel's manual (vol. 2A, CPUID).
static constexpr uint32_t kFmaAvxF16c = 1u << 12 | 1u << 28 | 1u << 29;
static constexpr uint32_t kAvx2 = 1u << 5;
static constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
static constexpr uint32_t kVnni = 1u << 11;
static constexpr uint32_t kAmx = 1u << 24 | 1u << 25;  // TILE, INT8

static std::string missing(const quire::Processor& processor, int32_t isa) {
  char names[300];
  quire::missing_features(processor, isa, names, sizeof(names));
  return names;
}

static void check_best(const quire::Processor& processor, int32_t best) {
  for (int32_t isa = QUIRE_ISA_SCALAR; isa <= QUIRE_ISA_AMX; ++isa) {
    const std::string names = missing(processor, isa);
    CHECK(names.empty() == (isa <= best), "isa=%d, best=%d, missing=%s", isa, best, names.c_str());
  }
}

TEST(missingFeatures_processors_runAllUpToTheirBest) {
  check_best({0, 0, 0, 0, 0}, QUIRE_ISA_SCALAR);
  check_best({kFmaAvxF16c, kAvx2, 0, 0, 0x7}, QUIRE_ISA_AVX2);                       // Haswell
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, 0, 0, 0xE7}, QUIRE_ISA_AVX512);          // Skylake-SP
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, kVnni, 0, 0xE7}, QUIRE_ISA_VNNI);        // Zen 4
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, kVnni, kAmx, 0x600E7}, QUIRE_ISA_AMX);   // Xeon 4
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, kVnni, kAmx, 0x200E7}, QUIRE_ISA_VNNI);  // no TILEDATA
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, kVnni, kAmx, 0x60007}, QUIRE_ISA_AVX2);  // no ZMM
  check_best({kFmaAvxF16c, kAvx2 | kAvx512, kVnni, kAmx, 0x600E3}, QUIRE_ISA_SCALAR);  // no YMM
  check_best({kFmaAvxF16c, kAvx2, kVnni, kAmx, 0x600E7}, QUIRE_ISA_AVX2);
}

TEST(missingFeatures_eachByItself_isNamed) {
  const quire::Processor all = {kFmaAvxF16c, kAvx2 | kAvx512, kVnni, kAmx, 0x600E7};
  const struct {
    uint32_t quire::Processor::* leaf;
    int bit;
    const char* name;
  } features[] = {{&quire::Processor::leaf1_ecx, 12, "fma"},
                  {&quire::Processor::leaf1_ecx, 28, "avx"},
                  {&quire::Processor::leaf1_ecx, 29, "f16c"},
                  {&quire::Processor::leaf7_ebx, 5, "avx2"},
                  {&quire::Processor::leaf7_ebx, 16, "avx512f"},
                  {&quire::Processor::leaf7_ebx, 17, "avx512dq"},
                  {&quire::Processor::leaf7_ebx, 30, "avx512bw"},
                  {&quire::Processor::leaf7_ebx, 31, "avx512vl"},
                  {&quire::Processor::leaf7_ecx, 11, "avx512_vnni"},
                  {&quire::Processor::leaf7_edx, 24, "amx_tile"},
                  {&quire::Processor::leaf7_edx, 25, "amx_int8"}};
  for (const auto& feature : features) {
    quire::Processor processor = all;
    processor.*feature.leaf &= ~(1u << feature.bit);
    CHECK(missing(processor, QUIRE_ISA_AMX) == feature.name, "got: %s, expected: %s",
          missing(processor, QUIRE_ISA_AMX).c_str(), feature.name);
  }
  CHECK(missing({0, 0, 0, 0, 0}, QUIRE_ISA_AVX2) ==
            "avx, fma, f16c, avx2, ymm registers of the operating system",
        "%s", missing({0, 0, 0, 0, 0}, QUIRE_ISA_AVX2).c_str());
  char few[5];
  quire::missing_features({0, 0, 0, 0, 0}, QUIRE_ISA_AMX, few, sizeof(few));
  CHECK(strcmp(few, "avx,") == 0, "%s", few);
}

TEST(isa_emulatedTiles_areAVariantWhereVnniIs) {
  int32_t chosen;
  const quire::KernelTable* tiles = quire::kernels_of(quire::kIsaEmulatedTiles, &chosen);
  CHECK((tiles != nullptr) == (quire_isa(QUIRE_ISA_VNNI) == QUIRE_ISA_VNNI), "status=%d", chosen);
  if (tiles == nullptr) return;
  const quire::KernelTable* vnni = quire::kernels_of(QUIRE_ISA_VNNI, &chosen);
  CHECK(tiles->matmul != vnni->matmul, "products must be the tiles'");
  CHECK(tiles->attention_chunk == vnni->attention_chunk, "the rest must be VNNI's");
}

TEST(isa_forcedOnThisMachine_isTakenOrRefusedWithWhatIsMissing) {
  int32_t best = QUIRE_ISA_SCALAR;
  for (int32_t isa : isas()) best = isa > best && isa <= QUIRE_ISA_AMX ? isa : best;
  CHECK(quire_isa(QUIRE_ISA_AUTO) == best, "auto=%d, best=%d", quire_isa(QUIRE_ISA_AUTO), best);
  for (int32_t isa = QUIRE_ISA_SCALAR; isa <= QUIRE_ISA_AMX; ++isa) {
    Config config = small_config();
    config.isa = isa;
    quire_context* context = nullptr;
    const int32_t status = quire_open(config.get(), &context);
    if (status == QUIRE_OK) {
      CHECK(quire_context_isa(context) == isa, "isa=%d", isa);
      quire_close(context);
      continue;
    }
    const std::string start = std::string("processor must have the instruction set: isa=") +
                              quire::isa_name(isa) + ", missing=[";
    CHECK(status == QUIRE_ISA_MISSING &&
              strncmp(quire_last_error(), start.c_str(), start.size()) == 0,
          "status=%d: %s", status, quire_last_error());
    CHECK(strstr(quire_last_error(), ", available=[scalar") != nullptr, "%s", quire_last_error());
    CHECK(strstr(quire_last_error(), "missing=[]") == nullptr, "%s", quire_last_error());
  }
  for (int32_t isa : {-1, QUIRE_ISA_AMX + 1, 1 << 30}) {
    CHECK(quire_isa(isa) == QUIRE_INVALID_ARG, "isa=%d, status=%d", isa, quire_isa(isa));
  }
}
