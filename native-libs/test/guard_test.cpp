// Guarded memory: what was in a file that became shorter reads as zero, and the loss is known.
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../include/quire_kernels.h"
#include "check.h"

namespace {

constexpr int64_t kPages = 64;

// A file of `kPages` pages of ones, mapped.
struct MappedFile {
  const int64_t page = sysconf(_SC_PAGESIZE);
  int file;
  volatile uint8_t* bytes;

  MappedFile() {
    char path[] = "/tmp/quire-guard-XXXXXX";
    file = mkstemp(path);
    unlink(path);
    for (int64_t i = 0; i < kPages * page; ++i) {
      const uint8_t one = 1;
      if (write(file, &one, 1) != 1) abort();
    }
    void* mapped = mmap(nullptr, size(), PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) abort();
    bytes = static_cast<uint8_t*>(mapped);
  }

  ~MappedFile() {
    munmap(memory(), size());
    close(file);
  }

  size_t size() const { return static_cast<size_t>(kPages * page); }
  void* memory() const { return const_cast<uint8_t*>(bytes); }
  void shorten(int64_t pages) const {
    if (ftruncate(file, pages * page) != 0) abort();
  }
};

}  // namespace

TEST(guard_fileThatStays_losesNothing) {
  const MappedFile mapped;
  const int32_t guard = quire_guard(mapped.memory(), kPages * mapped.page);
  CHECK(guard >= 0, "guard=%d", guard);
  for (int64_t i = 0; i < kPages * mapped.page; ++i) CHECK(mapped.bytes[i] == 1, "i=%ld", i);
  CHECK(quire_guard_lost(guard) == 0, "guard=%d", guard);
  CHECK(quire_unguard(guard) == QUIRE_OK, "guard=%d", guard);
}

TEST(guard_fileThatShrinks_readsZerosAndKnowsIt) {
  const MappedFile mapped;
  const int32_t guard = quire_guard(mapped.memory(), kPages * mapped.page);
  mapped.shorten(3);
  CHECK(mapped.bytes[3 * mapped.page - 1] == 1, "what is left stays");
  CHECK(quire_guard_lost(guard) == 0, "nothing lost was read yet");
  for (int64_t i = 3 * mapped.page; i < kPages * mapped.page; i += 977) {
    CHECK(mapped.bytes[i] == 0, "i=%ld", i);
  }
  CHECK(mapped.bytes[0] == 1, "what is left stays");
  CHECK(quire_guard_lost(guard) == 1, "guard=%d", guard);
  quire_unguard(guard);
  CHECK(quire_guard_lost(guard) == QUIRE_INVALID_ARG, "guard=%d", guard);
}

// A fault outside of guarded memory stays what it was.
TEST(guard_faultElsewhere_endsTheProcess) {
  const MappedFile mapped;
  const int32_t guard = quire_guard(mapped.memory(), 4 * mapped.page);
  mapped.shorten(1);
  const pid_t child = fork();
  if (child == 0) {
    _exit(mapped.bytes[5 * mapped.page]);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "status=%d", status);
  quire_unguard(guard);
}

TEST(guard_tooMany_areRefused) {
  const uint8_t memory[8] = {};
  int32_t guards = 0;
  int32_t last = 0;
  while ((last = quire_guard(memory, 8)) >= 0) ++guards;
  CHECK(guards == 256 && last == QUIRE_BUSY, "guards=%d, last=%d", guards, last);
  for (int32_t i = 0; i < guards; ++i) quire_unguard(i);
  CHECK(quire_guard(nullptr, 8) == QUIRE_INVALID_ARG, "null");
  CHECK(quire_guard(memory, 0) == QUIRE_INVALID_ARG, "empty");
  CHECK(quire_unguard(0) == QUIRE_INVALID_ARG, "guard given back twice");
}
