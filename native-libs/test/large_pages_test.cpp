// A mapping's bytes stay what they are while they move to large pages, for readers too.
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "../include/quire_kernels.h"
#include "check.h"

namespace {

constexpr size_t kBytes = (size_t{9} << 20) + 12345;

uint8_t byte_at(size_t i) { return static_cast<uint8_t>(i * 31 + i / 4096); }

// A file, mapped from its second page on as packed weights are.
struct Weights {
  int file;
  void* mapped;

  Weights() {
    char path[] = "/tmp/quire-pages-XXXXXX";
    file = mkstemp(path);
    unlink(path);
    std::vector<uint8_t> bytes(kBytes + 4096);
    for (size_t i = 0; i < kBytes; ++i) bytes[i + 4096] = byte_at(i);
    if (write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) abort();
    mapped = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file, 4096);
    if (mapped == MAP_FAILED) abort();
  }
  ~Weights() {
    munmap(mapped, kBytes);
    close(file);
  }
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  size_t wrong() const {
    const volatile uint8_t* bytes = static_cast<uint8_t*>(mapped);
    size_t count = 0;
    for (size_t i = 0; i < kBytes; ++i) count += bytes[i] != byte_at(i);
    return count;
  }
};

}  // namespace

TEST(largePages_mappedFile_keepsItsBytes) {
  const Weights weights;
  const int64_t moved = quire_large_pages(weights.mapped, kBytes);
  // None where the system gives no large pages; else all that lie whole in 9 MB.
  CHECK(moved == 0 || (moved >= int64_t{6} << 20 && moved <= int64_t{8} << 20), "moved=%ld", moved);
  CHECK(weights.wrong() == 0, "wrong=%zu", weights.wrong());
  CHECK(quire_large_pages(weights.mapped, kBytes) == moved, "a second time does no harm");
  CHECK(weights.wrong() == 0, "wrong=%zu", weights.wrong());
}

TEST(largePages_whileOthersRead_changesNothingForThem) {
  const Weights weights;
  std::atomic<bool> stop{false};
  std::atomic<size_t> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      do {
        wrong += weights.wrong();
      } while (!stop);
    });
  }
  for (int i = 0; i < 5; ++i) quire_large_pages(weights.mapped, kBytes);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0, "wrong=%zu", wrong.load());
}

TEST(largePages_noRange_isRefused) {
  CHECK(quire_large_pages(nullptr, 100) == QUIRE_INVALID_ARG, "null");
  CHECK(quire_large_pages(&kBytes, 0) == QUIRE_INVALID_ARG, "empty");
}
