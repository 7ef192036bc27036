// Measures what the machine can do at most, so that a kernel's speed can be read as a share of it:
// reading memory and caches, and the instructions that products of matrices are made of. Prints one
// JSON object.
//
//   make -C native-libs limits           builds it
//   limits THREADS                       one thread, then THREADS
//
// Each figure is the best of several repetitions, because other work on the machine can only make
// one slower. An operation is a multiply or an add: a multiply-add counts as two. Bytes count once,
// when they are read.
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRepetitions = 7;
constexpr int kAccumulators =
    12;  // enough to hide the latency of four on two ports, and they fit the registers
constexpr size_t kMemoryBytes = size_t{1} << 30;
constexpr size_t kCacheBytes = size_t{8} << 20;  // of each thread
constexpr double kLeastSeconds = 0.03;           // of one repetition

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Seconds that `threads` threads take for work(thread), from the moment when all are there.
template <typename Work>
double run(int threads, const Work& work) {
  std::atomic<int> waiting{threads};
  std::vector<double> starts(threads), ends(threads);
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      starts[i] = now();
      work(i);
      ends[i] = now();
    });
  }
  double first = 1e300, last = 0;
  for (int i = 0; i < threads; ++i) {
    workers[i].join();
    first = starts[i] < first ? starts[i] : first;
    last = ends[i] > last ? ends[i] : last;
  }
  return last - first;
}

// ---- instructions
// ------------------------------------------------------------------------------------------------

using Loop = void (*)(int64_t);

// A loop of kAccumulators independent instructions; the empty assembly keeps the compiler from
// folding them.
#define QUIRE_LOOP(name, isa, vector, set1, instruction)                                  \
  __attribute__((target(isa))) void name(int64_t loops) {                                 \
    vector a[kAccumulators];                                                              \
    for (vector& x : a) x = set1(0);                                                      \
    vector w = set1(3);                                                                   \
    const vector b = set1(1);                                                             \
    for (int64_t i = 0; i < loops; ++i) {                                                 \
      for (int k = 0; k < kAccumulators; ++k) {                                           \
        a[k] = instruction;                                                               \
        asm volatile("" : "+x"(w));                                                       \
      }                                                                                   \
      asm volatile("" ::"x"(a[0]), "x"(a[1]), "x"(a[2]), "x"(a[3]), "x"(a[4]), "x"(a[5]), \
                   "x"(a[6]), "x"(a[7]), "x"(a[8]), "x"(a[9]), "x"(a[10]), "x"(a[11]));   \
    }                                                                                     \
  }

#define WIDE "avx512f,avx512bw,avx512vl,avx512dq"
QUIRE_LOOP(fma_512, WIDE, __m512i, _mm512_set1_epi8,
           (__m512i)_mm512_fmadd_ps((__m512)a[k], (__m512)w, (__m512)b))
QUIRE_LOOP(bf16_512, WIDE ",avx512bf16", __m512i, _mm512_set1_epi8,
           (__m512i)_mm512_dpbf16_ps((__m512)a[k], (__m512bh)w, (__m512bh)b))
QUIRE_LOOP(wssd_512, WIDE ",avx512vnni", __m512i, _mm512_set1_epi8, _mm512_dpwssd_epi32(a[k], w, b))
QUIRE_LOOP(busd_512, WIDE ",avx512vnni", __m512i, _mm512_set1_epi8, _mm512_dpbusd_epi32(a[k], w, b))
QUIRE_LOOP(fma_256, "avx2,fma", __m256i, _mm256_set1_epi8,
           (__m256i)_mm256_fmadd_ps((__m256)a[k], (__m256)w, (__m256)b))
QUIRE_LOOP(wssd_256, "avx2,avxvnni", __m256i, _mm256_set1_epi8, _mm256_dpwssd_avx_epi32(a[k], w, b))
QUIRE_LOOP(busd_256, "avx2,avxvnni", __m256i, _mm256_set1_epi8, _mm256_dpbusd_avx_epi32(a[k], w, b))
QUIRE_LOOP(madd_256, "avx2", __m256i, _mm256_set1_epi8,
           _mm256_add_epi32(a[k], _mm256_madd_epi16(w, b)))
QUIRE_LOOP(maddubs_256, "avx2", __m256i, _mm256_set1_epi8,
           _mm256_add_epi32(a[k], _mm256_madd_epi16(_mm256_maddubs_epi16(w, b), b)))

struct Instruction {
  const char* kind;
  const char* name;
  int operations;  // of one instruction, or of the group that does the same
  bool present;
  Loop loop;
};

// The best that this processor has of each kind; a kind that it has not is left out.
std::vector<Instruction> instructions() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool wide = avx2 && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool vnni = wide && __builtin_cpu_supports("avx512vnni");
  const bool short_vnni = avx2 && !vnni && __builtin_cpu_supports("avxvnni");
  const bool bf16 = wide && __builtin_cpu_supports("avx512bf16");
  const Instruction all[] = {
      {"fp32", "vfmadd zmm", 32, wide, fma_512},
      {"fp32", "vfmadd ymm", 16, avx2 && !wide, fma_256},
      {"bf16", "vdpbf16ps zmm", 64, bf16, bf16_512},
      {"int16", "vpdpwssd zmm", 64, vnni, wssd_512},
      {"int16", "vpdpwssd ymm", 32, short_vnni, wssd_256},
      {"int16", "vpmaddwd, vpaddd ymm", 32, avx2 && !vnni && !short_vnni, madd_256},
      {"int8", "vpdpbusd zmm", 128, vnni, busd_512},
      {"int8", "vpdpbusd ymm", 64, short_vnni, busd_256},
      {"int8", "vpmaddubsw, vpmaddwd, vpaddd ymm", 64, avx2 && !vnni && !short_vnni, maddubs_256},
  };
  std::vector<Instruction> found;
  for (const Instruction& each : all) {
    if (each.present) found.push_back(each);
  }
  return found;
}

// Billions of operations a second.
double operations(const Instruction& instruction, int threads) {
  int64_t loops = 100000;
  double best = 0;
  for (int i = 0; i < kRepetitions;) {
    const double seconds = run(threads, [&](int) { instruction.loop(loops); });
    if (seconds < kLeastSeconds) {
      loops *= 2;
      continue;
    }
    const double done =
        static_cast<double>(loops) * kAccumulators * instruction.operations * threads;
    best = done / seconds > best ? done / seconds : best;
    ++i;
  }
  return best * 1e-9;
}

// ---- reading
// -----------------------------------------------------------------------------------------------------

using Read = int64_t (*)(const char*, size_t, size_t);

// Reads `bytes` (a multiple of 256) and asks for what lies `ahead` bytes further, if that is not 0.
#define QUIRE_READ(name, isa, vector, load, add)                                            \
  __attribute__((target(isa))) int64_t name(const char* from, size_t bytes, size_t ahead) { \
    constexpr size_t size = sizeof(vector);                                                 \
    vector a[256 / size] = {};                                                              \
    for (size_t i = 0; i < bytes; i += 256) {                                               \
      for (size_t line = 0; ahead > 0 && line < 256; line += 64) {                          \
        __builtin_prefetch(from + i + ahead + line);                                        \
      }                                                                                     \
      for (size_t k = 0; k < 256 / size; ++k) {                                             \
        a[k] = add(a[k], load(reinterpret_cast<const vector*>(from + i + k * size)));       \
      }                                                                                     \
    }                                                                                       \
    for (size_t k = 1; k < 256 / size; ++k) a[0] = add(a[0], a[k]);                         \
    int64_t sum;                                                                            \
    memcpy(&sum, a, sizeof sum);                                                            \
    return sum;                                                                             \
  }

QUIRE_READ(read_512, "avx512f", __m512i, _mm512_load_si512, _mm512_add_epi64)
QUIRE_READ(read_256, "avx2", __m256i, _mm256_load_si256, _mm256_add_epi64)
QUIRE_READ(read_128, "sse2", __m128i, _mm_load_si128, _mm_add_epi64)

Read reader() {
  if (__builtin_cpu_supports("avx512f")) return read_512;
  return __builtin_cpu_supports("avx2") ? read_256 : read_128;
}

std::atomic<int64_t> sink;  // what is read must count for something

// Billions of bytes a second of `threads` threads that each read their own part, `passes` times.
double bandwidth(char* memory, size_t part, int threads, int passes) {
  const Read read = reader();
  double best = 0;
  for (int i = 0; i < 2 * kRepetitions; ++i) {
    const size_t ahead = i % 2 == 0 ? 0 : 4096;
    const double seconds = run(threads, [&](int thread) {
      for (int pass = 0; pass < passes; ++pass) sink += read(memory + part * thread, part, ahead);
    });
    const double rate = static_cast<double>(part) * threads * passes / seconds;
    best = rate > best ? rate : best;
  }
  return best * 1e-9;
}

// Bytes of this process that lie in huge pages now.
size_t huge_bytes() {
  FILE* file = fopen("/proc/self/smaps_rollup", "r");
  if (file == nullptr) return 0;
  char line[256];
  size_t kib = 0;
  while (fgets(line, sizeof line, file) != nullptr) {
    if (sscanf(line, "AnonHugePages: %zu kB", &kib) == 1) break;
  }
  fclose(file);
  return kib << 10;
}

// Memory of the asked kind of pages, each part first written by the thread that reads it; it ends
// with the process.
char* allocate(size_t part, int threads, bool huge) {
  const size_t bytes = part * threads + (size_t{4} << 20);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fprintf(stderr, "limits: memory must suffice: bytes=%zu\n", bytes);
    exit(1);
  }
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(memory) + 0x1fffff) & ~uintptr_t{0x1fffff};
  char* const start = reinterpret_cast<char*>(aligned);
  madvise(start, part * threads, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  run(threads, [&](int thread) { memset(start + part * thread, 1, part); });
  return start;
}

// ---- report
// ------------------------------------------------------------------------------------------------------

bool first_row = true;

void row(const char* kind, const std::string& name, const char* unit, int threads, double value) {
  printf(
      "%s\n  {\"kind\": \"%s\", \"name\": \"%s\", \"unit\": \"%s\", \"threads\": %d, \"value\": "
      "%.1f}",
      first_row ? "" : ",", kind, name.c_str(), unit, threads, value);
  first_row = false;
}

void read_rows(int threads) {
  const size_t part = (kMemoryBytes / threads) & ~size_t{0xfff};
  char* memory = allocate(part, threads, true);
  const bool given = huge_bytes() > kMemoryBytes / 2;
  row("memory", given ? "memory, huge pages" : "memory, huge pages asked for but not given", "GB/s",
      threads, bandwidth(memory, part, threads, 1));
  munmap(memory, part * threads);
  memory = allocate(part, threads, false);
  row("memory-small", "memory, pages of 4 KiB", "GB/s", threads,
      bandwidth(memory, part, threads, 1));
  munmap(memory, part * threads);
  memory = allocate(kCacheBytes, threads, true);
  row("cache", "8 MiB a thread", "GB/s", threads, bandwidth(memory, kCacheBytes, threads, 32));
  munmap(memory, kCacheBytes * threads);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 2;
  if (threads < 1 || threads > 1024) {
    fprintf(stderr, "limits: threads must be from 1 to 1024: threads=%s\n", argv[1]);
    return 2;
  }
  printf("{\"limits\": [");
  for (int count : {1, threads}) {
    read_rows(count);
    for (const Instruction& each : instructions()) {
      row(each.kind, each.name,
          strcmp(each.kind, "int8") && strcmp(each.kind, "int16") ? "GFLOP/s" : "GOP/s", count,
          operations(each, count));
    }
    if (threads == 1) break;
  }
  printf("\n]}\n");
  return 0;
}
