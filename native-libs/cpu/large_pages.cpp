// A mapped file's bytes, moved to memory of large pages while others read them.
//
// The page cache gives a file in pages of 4 KiB. Their translations, and prefetching that stops at
// the end of each, cost a stream of weights bandwidth (docs/results/cpu.md, limits of the machine).
// Every whole 2 MiB of the mapping is copied to a large page of its own, which then takes the place
// of the file's pages in one system call: a reader finds the same bytes before and after, and waits
// in between.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "status.h"

namespace quire {

static constexpr uintptr_t kLargePage = uintptr_t{2} << 20;

static bool large_pages_allowed() {
  FILE* file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
  if (file == nullptr) return false;
  char text[100] = {};
  const size_t read = fread(text, 1, sizeof(text) - 1, file);
  fclose(file);
  return read > 0 && strstr(text, "[never]") == nullptr;
}

// Puts a large page with the same bytes in the place of `to`.
static bool replace(void* to) {
  uint8_t* reserved = static_cast<uint8_t*>(
      mmap(nullptr, 2 * kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (reserved == MAP_FAILED) return false;
  const uintptr_t start = reinterpret_cast<uintptr_t>(reserved);
  const uintptr_t offset = (kLargePage - start % kLargePage) % kLargePage;
  uint8_t* page = reserved + offset;
  madvise(page, kLargePage, MADV_HUGEPAGE);
  memcpy(page, to, kLargePage);
  const bool done =
      mprotect(page, kLargePage, PROT_READ) == 0 &&
      mremap(page, kLargePage, kLargePage, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED;
  if (!done) munmap(page, kLargePage);
  // What alignment left over on both sides.
  if (offset > 0) munmap(reserved, offset);
  munmap(page + kLargePage, kLargePage - offset);
  return done;
}

}  // namespace quire

QUIRE_EXPORT int64_t quire_large_pages(const void* memory, int64_t bytes) {
  using quire::kLargePage;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(memory);
  if (memory == nullptr || bytes <= 0 || begin + static_cast<uintptr_t>(bytes) < begin) {
    return quire::fail(QUIRE_INVALID_ARG, "memory must be a range: bytes=%lld",
                       static_cast<long long>(bytes));
  }
  if (!quire::large_pages_allowed()) return 0;
  int64_t moved = 0;
  const uintptr_t end = begin + static_cast<uintptr_t>(bytes);
  for (uintptr_t at = (begin + kLargePage - 1) / kLargePage * kLargePage; at + kLargePage <= end;
       at += kLargePage) {
    if (!quire::replace(reinterpret_cast<void*>(at))) break;
    moved += static_cast<int64_t>(kLargePage);
  }
  return moved;
}
