// Page-aligned memory straight from the operating system: first touch decides where its pages lie.
#include <sys/mman.h>

#include "status.h"

static int64_t reserved(int64_t bytes) { return (bytes + 63) / 64 * 64; }

QUIRE_EXPORT int32_t quire_host_alloc(int64_t bytes, void** memory) {
  if (memory == nullptr || bytes <= 0 || bytes > INT64_MAX - 64) {
    return quire::fail(QUIRE_INVALID_ARG, "bytes must be positive: bytes=%lld",
                       static_cast<long long>(bytes));
  }
  void* mapped = mmap(nullptr, static_cast<size_t>(reserved(bytes)), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    return quire::fail(QUIRE_OOM, "memory must be available: bytes=%lld",
                       static_cast<long long>(bytes));
  }
  // Large pages save translations of a stream of weights; refusal does no harm.
  madvise(mapped, static_cast<size_t>(reserved(bytes)), MADV_HUGEPAGE);
  *memory = mapped;
  return QUIRE_OK;
}

QUIRE_EXPORT int32_t quire_host_free(void* memory, int64_t bytes) {
  if (memory == nullptr) return QUIRE_OK;
  if (bytes <= 0 || munmap(memory, static_cast<size_t>(reserved(bytes))) != 0) {
    return quire::fail(QUIRE_INVALID_ARG, "memory must be of quire_host_alloc: bytes=%lld",
                       static_cast<long long>(bytes));
  }
  return QUIRE_OK;
}
