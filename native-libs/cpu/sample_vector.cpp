// The passes of sampling over a whole vocabulary.
//
//   arg_max       largest number and its lowest index
//   exp_weights   exp((logit - largest) / temperature), with sums of runs of 512
//   group_maxima  largest numbers of groups of 32
//   keep_between  a list without what lies outside of two bars
//   mass_from     how many lie above a bar, and their weight
//   top_values    the few largest, by insertion: after the first blocks, nearly every block of 16
//   is
//                refused by one comparison
//
// What is not a number counts as -infinity. Parallel over rows, by the caller.
#include "simd.h"

namespace quire::QUIRE_ISA {

static inline Floats numbers(const float* in, int64_t left) {
  const Floats x = load_up_to(in, left, -INFINITY);
  return if_number(x, x, -INFINITY);
}

// Largest numbers of [count] by lane: lane, lane + 16, ...
static inline Floats lane_maxima(const float* in, int64_t count) {
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
  return max(max(most[0], most[1]), max(most[2], most[3]));
}

int64_t arg_max(const float* in, int64_t count, float* out) {
  // A run that is above all before it is rare, so lanes are reduced a few times in all, and only
  // the best run is read again.
  constexpr int64_t kRun = 2048;
  int64_t best = 0;
  *out = -INFINITY;
  for (int64_t run = 0; run < count; run += kRun) {
    const Floats most = lane_maxima(in + run, count - run < kRun ? count - run : kRun);
    if (above(most, set1(*out)) == 0) continue;
    *out = largest(most);
    best = run;
  }
  if (*out == -INFINITY) return -1;
  const Floats top = set1(*out);
  int64_t index = best;
  while (index + kLanes <= count && above(top, numbers(in + index, kLanes)) == 0xFFFF) {
    index += kLanes;
  }
  while (in[index] != *out) ++index;
  return index;
}

void group_maxima(const float* logits, int64_t count, float* out) {
  for (int64_t run = 0; run < count; run += kSumRun) {
    store(out + run / kSumRun * kLanes,
          lane_maxima(logits + run, count - run < kSumRun ? count - run : kSumRun));
  }
}

int64_t keep_between(const int32_t* ids, const float* logits, const float* weights, int64_t count,
                     float low, float high, float weight_bar, const TokenList& out) {
  int64_t kept = 0;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Floats logit = load(logits + i);
    const Floats weight = load(weights + i);
    const uint32_t mask =
        above(logit, set1(low)) & ~above(logit, set1(high)) & above(weight, set1(weight_bar));
    if (mask == 0) continue;
    const Ints id = ids == nullptr ? counting_from(static_cast<int32_t>(i)) : load_ints(ids + i);
    store_chosen(out.ids + kept, mask, id);
    store_chosen(out.logits + kept, mask, logit);
    store_chosen(out.weights + kept, mask, weight);
    kept += __builtin_popcount(mask);
  }
  for (; i < count; ++i) {
    if (!(logits[i] > low && logits[i] <= high && weights[i] > weight_bar)) continue;
    out.ids[kept] = ids == nullptr ? static_cast<int32_t>(i) : ids[i];
    out.logits[kept] = logits[i];
    out.weights[kept++] = weights[i];
  }
  return kept;
}

int64_t mass_from(const float* logits, const float* weights, int64_t count, float least,
                  double* mass) {
  const Floats one = set1(1);
  int64_t many = 0;
  *mass = 0;
  for (int64_t run = 0; run < count; run += kSumRun) {
    const int64_t end = run + kSumRun < count ? run + kSumRun : count;
    Floats ones = set1(0);
    Floats total = set1(0);
    for (int64_t i = run; i < end; i += kLanes) {
      const Floats logit = load_up_to(logits + i, end - i, -INFINITY);
      ones = add(ones, zero_below(logit, least, one));
      total = add(total, zero_below(logit, least, load_up_to(weights + i, end - i, 0)));
    }
    many += static_cast<int64_t>(sum(ones));
    *mass += static_cast<double>(sum(total));
  }
  return many;
}

void run_sums(const float* in, int64_t count, double* sums) {
  for (int64_t run = 0; run < count; run += kSumRun) {
    const int64_t end = run + kSumRun < count ? run + kSumRun : count;
    Floats total = set1(0);
    for (int64_t i = run; i < end; i += kLanes) {
      total = add(total, load_up_to(in + i, end - i, 0));
    }
    sums[run / kSumRun] = static_cast<double>(sum(total));
  }
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
