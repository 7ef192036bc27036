// The passes of sampling over a whole vocabulary.
//
//   arg_max      largest number and its lowest index
//   exp_weights  exp((logit - largest) / temperature), with sums of runs of 512
//   top_values   the few largest, by insertion: after the first blocks, nearly every block of 16 is
//                refused by one comparison
//
// What is not a number counts as -infinity. Parallel over rows, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

static inline Floats numbers(const float* in, int64_t left) {
  const Floats x = load_up_to(in, left, -INFINITY);
  return if_number(x, x, -INFINITY);
}

int64_t arg_max(const float* in, int64_t count, float* out) {
  // Four chains, so that the loads and not the latency of max are the limit.
  Floats most[4] = {set1(-INFINITY), set1(-INFINITY), set1(-INFINITY), set1(-INFINITY)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (int chain = 0; chain < 4; ++chain) {
      // max is its second operand where either is not a number.
      most[chain] = max(load(in + i + chain * kLanes), most[chain]);
    }
  }
  for (; i < count; i += kLanes) most[0] = max(load_up_to(in + i, count - i, -INFINITY), most[0]);
  *out = largest(max(max(most[0], most[1]), max(most[2], most[3])));
  if (*out == -INFINITY) return -1;
  int64_t index = 0;
  const Floats top = set1(*out);
  while (index + kLanes <= count && above(top, numbers(in + index, kLanes)) == 0xFFFF) {
    index += kLanes;
  }
  while (in[index] != *out) ++index;
  return index;
}

void exp_weights(const float* in, int64_t count, float top, float temperature, float* out,
                 double* sums) {
  for (int64_t run = 0; run < count; run += kSumRun) {
    const int64_t end = run + kSumRun < count ? run + kSumRun : count;
    Floats total = set1(0);
    for (int64_t i = run; i < end; i += kLanes) {
      const Floats x = numbers(in + i, end - i);
      const Floats weight = exp(div(sub(x, set1(top)), set1(temperature)));
      store_up_to(out + i, end - i, weight);
      total = add(total, weight);
    }
    sums[run / kSumRun] = static_cast<double>(sum(total));
  }
}

int32_t top_values(const float* in, int64_t count, int32_t wanted, int32_t* index, float* value) {
  int32_t found = 0;
  for (int64_t i = 0; wanted > 0 && i < count; i += kLanes) {
    const float bar = found == wanted ? value[found - 1] : -INFINITY;
    uint32_t candidates = above(numbers(in + i, count - i), set1(bar));
    for (; candidates != 0; candidates &= candidates - 1) {
      const int64_t candidate = i + __builtin_ctz(candidates);
      const float x = in[candidate];
      if (found == wanted && !(x > value[found - 1])) continue;
      int32_t place = found < wanted ? found++ : found - 1;
      for (; place > 0 && value[place - 1] < x; --place) {
        value[place] = value[place - 1];
        index[place] = index[place - 1];
      }
      value[place] = x;
      index[place] = static_cast<int32_t>(candidate);
    }
  }
  return found;
}

}  // namespace quire::QUIRE_ISA
