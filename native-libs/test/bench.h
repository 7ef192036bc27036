// What the parts of the benchmark share: the clock, and the best of several rounds.
#ifndef QUIRE_TEST_BENCH_H
#define QUIRE_TEST_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../include/quire_kernels.h"

namespace bench {

inline double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline void must(int32_t status) {
  if (status >= 0) return;
  fprintf(stderr, "status=%d: %s\n", status, quire_last_error());
  exit(1);
}

// Seconds of one call: the best of 5 rounds of at least 50 ms.
template <typename Call>
double time_call(const Call& call) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    int calls = 0;
    const double start = now();
    double end;
    do {
      call(calls++);
      end = now();
    } while (end - start < 0.05);
    best = (end - start) / calls < best ? (end - start) / calls : best;
  }
  return best;
}

// Whole steps of models with made-up weights.
void steps(int32_t threads, int32_t isa);          // SmolLm2-135M, a few shapes of step
void batch_sweep(int32_t threads, int32_t isa);    // ... tokens per second against the batch
void context_sweep(int32_t threads, int32_t isa);  // ... and against the context
void one_billion(int32_t threads, int32_t isa);    // decoding beside the memory's bandwidth

}  // namespace bench

#endif  // QUIRE_TEST_BENCH_H
