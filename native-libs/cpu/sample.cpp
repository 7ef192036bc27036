// Sampling as dev.quire.sampling.ReferenceSampler defines it: bias, penalties, then greedy or min-p
// → top-k → top-p and a draw in id order.
//
//   logits  [R, vocabulary] float32
//
// Parallel over rows. Greedy is one vector pass; a plain temperature one pass of exponentials with
// sums of runs of 512, of which the draw walks one. Top-k and top-p sort nothing: both keep a
// prefix of the order by logit, whose end a radix selection finds on the logits' bits, 11 at a time
// (counts for top-k, sums of weights for top-p).
#include <math.h>
#include <string.h>

#include "sampler.h"

namespace quire {

static constexpr int32_t kNoToken = -1;
static constexpr int32_t kSeen = 1 << 30;  // beside it, how often the token was generated
static constexpr int kDigitBits = 11;

// Logits of a row after bias and penalties: the row itself where there are none.
static const float* adjust(const quire_plan& plan, int32_t row, int32_t vocabulary,
                           const float* logits, SampleScratch& scratch) {
  if (plan.bias_len[row] == 0 && plan.history_len[row] == 0) return logits;
  float* adjusted = scratch.adjusted.get();
  memcpy(adjusted, logits, static_cast<size_t>(vocabulary) * sizeof(float));
  for (int64_t i = 0; i < plan.bias_len[row]; ++i) {
    const int64_t entry = plan.bias_start[row] + i;
    adjusted[plan.bias_token[entry]] += plan.bias_value[entry];
  }
  const int32_t* history = plan.history + plan.history_start[row];
  int32_t* seen = scratch.seen.get();
  for (int32_t i = 0; i < plan.history_len[row]; ++i) {
    seen[history[i]] = (seen[history[i]] | kSeen) + (i >= plan.prompt_len[row] ? 1 : 0);
  }
  const float repetition = plan.repetition_penalty[row];
  for (int32_t i = 0; i < plan.history_len[row]; ++i) {
    const int32_t mark = seen[history[i]];
    if (mark == 0) continue;  // Done at an earlier place of the history.
    seen[history[i]] = 0;
    float& logit = adjusted[history[i]];
    if (repetition != 1) logit = logit > 0 ? logit / repetition : logit * repetition;
    const int32_t generated = mark & ~kSeen;
    if (generated > 0) {
      logit -=
          plan.frequency_penalty[row] * static_cast<float>(generated) + plan.presence_penalty[row];
    }
  }
  return adjusted;
}

// Bits that order like the float. Zeros have one key: -0 and 0 are equal.
static uint32_t order_key(float value) {
  const float plain = value + 0.0f;
  uint32_t bits;
  memcpy(&bits, &plain, 4);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// How much of the order by logit is kept: everything above `key`, and the first `ties` of those at
// it.
struct Cut {
  uint32_t key;
  int64_t ties;
};

// Where the prefix ends: after `count` candidates, or with the one that brings the sum of weights
// to `bound`, whichever comes first.
static Cut find_cut(const Candidate* candidates, int64_t size, int64_t count, double bound,
                    Candidate* active) {
  const Candidate* in = candidates;
  double weight = 0;
  for (int shift = 32 - kDigitBits;; shift = shift > kDigitBits ? shift - kDigitBits : 0) {
    const uint32_t mask = (1u << kDigitBits) - 1;
    int32_t counts[1 << kDigitBits] = {};
    double sums[1 << kDigitBits] = {};
    for (int64_t i = 0; i < size; ++i) {
      const uint32_t digit = in[i].key >> shift & mask;
      ++counts[digit];
      sums[digit] += static_cast<double>(in[i].weight);
    }
    int64_t digit = mask;
    while (digit > 0 && counts[digit] < count && weight + sums[digit] < bound) {
      count -= counts[digit];
      weight += sums[digit];
      --digit;
    }
    int64_t left = 0;
    for (int64_t i = 0; i < size; ++i) {
      if ((in[i].key >> shift & mask) == static_cast<uint32_t>(digit)) active[left++] = in[i];
    }
    in = active;
    size = left;
    if (size == 0) return {0, 0};  // The prefix is everything: sums rounded below the bound.
    if (shift == 0 || size == 1) break;
  }
  int64_t ties = 0;
  while (ties < size && ties < count && (ties == 0 || weight < bound)) {
    weight += static_cast<double>(in[ties++].weight);
  }
  return {in[0].key, ties};
}

// Drops the candidates behind the cut; order stays.
static int64_t apply_cut(Candidate* candidates, int64_t size, Cut cut) {
  int64_t kept = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (candidates[i].key > cut.key || (candidates[i].key == cut.key && cut.ties-- > 0)) {
      candidates[kept++] = candidates[i];
    }
  }
  return kept;
}

static double total_weight(const Candidate* candidates, int64_t size) {
  double total = 0;
  for (int64_t i = 0; i < size; ++i) total += static_cast<double>(candidates[i].weight);
  return total;
}

// Draw among what min-p, top-k and top-p leave.
static int32_t draw_filtered(const quire_plan& plan, int32_t row, int32_t vocabulary,
                             const float* logits, double uniform, SampleScratch& scratch) {
  Candidate* candidates = scratch.candidate.get();
  const float* weight = scratch.weight.get();
  const float least = plan.min_p[row];
  int64_t size = 0;
  for (int32_t token = 0; token < vocabulary; ++token) {
    if (weight[token] > 0 && weight[token] >= least) {
      candidates[size++] = {order_key(logits[token]), token, weight[token]};
    }
  }
  const double all = static_cast<double>(INFINITY);
  if (plan.top_k[row] > 0 && plan.top_k[row] < size) {
    const Cut cut = find_cut(candidates, size, plan.top_k[row], all, scratch.active.get());
    size = apply_cut(candidates, size, cut);
  }
  if (plan.top_p[row] < 1 && size > 0) {
    const double bound = static_cast<double>(plan.top_p[row]) * total_weight(candidates, size);
    size =
        apply_cut(candidates, size, find_cut(candidates, size, size, bound, scratch.active.get()));
  }
  const double threshold = uniform * total_weight(candidates, size);
  double cumulative = 0;
  for (int64_t i = 0; i < size; ++i) {
    cumulative += static_cast<double>(candidates[i].weight);
    if (cumulative > threshold) return candidates[i].token;
  }
  return size > 0 ? candidates[size - 1].token : kNoToken;
}

// Draw among all tokens: finds the run of 512, then the token in it.
static int32_t draw_plain(int32_t vocabulary, double uniform, const SampleScratch& scratch) {
  const int64_t runs = (vocabulary + kSumRun - 1) / kSumRun;
  double total = 0;
  for (int64_t run = 0; run < runs; ++run) total += scratch.run_sum[run];
  const double threshold = uniform * total;
  double before = 0;
  int32_t last = kNoToken;
  for (int64_t run = 0; run < runs; ++run) {
    const double after = before + scratch.run_sum[run];
    const int64_t end = (run + 1) * kSumRun < vocabulary ? (run + 1) * kSumRun : vocabulary;
    // Only the run that crosses the threshold is walked, and those behind it if rounding says so.
    const bool walk = after > threshold || run == runs - 1;
    double cumulative = before;
    for (int64_t token = run * kSumRun; walk && token < end; ++token) {
      if (!(scratch.weight[token] > 0)) continue;
      cumulative += static_cast<double>(scratch.weight[token]);
      last = static_cast<int32_t>(token);
      if (cumulative > threshold) return last;
    }
    before = after;
  }
  return last;
}

static int32_t choose(const quire_context& context, const quire_plan& plan, int32_t row,
                      const float* raw, SampleScratch& scratch) {
  const int32_t vocabulary = context.config.vocabulary;
  const float* logits = adjust(plan, row, vocabulary, raw, scratch);
  float largest;
  const int64_t top = context.kernels->arg_max(logits, vocabulary, &largest);
  if (top < 0 || plan.temperature[row] == 0) return static_cast<int32_t>(top);
  context.kernels->exp_weights(logits, vocabulary, largest, plan.temperature[row],
                               scratch.weight.get(), scratch.run_sum.get());
  const double uniform = philox_uniform(plan.seed[row], plan.counter[row]);
  const bool filtered = plan.top_k[row] > 0 || plan.top_p[row] < 1 || plan.min_p[row] > 0;
  const int32_t token = filtered ? draw_filtered(plan, row, vocabulary, logits, uniform, scratch)
                                 : draw_plain(vocabulary, uniform, scratch);
  return token;
}

// Natural log-probabilities of the raw logits, for the token and the most likely ones.
static void log_probabilities(const quire_context& context, const quire_plan& plan, int32_t row,
                              const float* logits, int32_t token, SampleScratch& scratch) {
  const int32_t vocabulary = context.config.vocabulary;
  float largest;
  if (context.kernels->arg_max(logits, vocabulary, &largest) < 0) largest = 0;
  context.kernels->exp_weights(logits, vocabulary, largest, 1.0f, scratch.weight.get(),
                               scratch.run_sum.get());
  double total = 0;
  for (int64_t run = 0; run * kSumRun < vocabulary; ++run) total += scratch.run_sum[run];
  const double log_total = log(total) + static_cast<double>(largest);
  plan.out_logprob[row] =
      token < 0 ? -INFINITY : static_cast<float>(static_cast<double>(logits[token]) - log_total);
  const int32_t wanted = plan.logprobs[row] < vocabulary ? plan.logprobs[row] : vocabulary;
  int32_t* tokens = plan.top_token + int64_t{row} * kTopLogprobs;
  float* values = plan.top_logprob + int64_t{row} * kTopLogprobs;
  const int32_t found = context.kernels->top_values(logits, vocabulary, wanted, tokens, values);
  for (int32_t i = 0; i < found; ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) - log_total);
  }
  for (int32_t i = found < 0 ? 0 : found; i < plan.logprobs[row]; ++i) {
    tokens[i] = kNoToken;
    values[i] = -INFINITY;
  }
}

static void sample_row(const quire_context& context, const quire_plan& plan, int32_t row,
                       const float* logits, SampleScratch& scratch) {
  const int32_t scored = plan.scored_token[row];
  const int32_t token = scored >= 0 ? scored : choose(context, plan, row, logits, scratch);
  plan.out_token[row] = token;
  if (scored >= 0 || plan.logprobs[row] >= 0) {
    log_probabilities(context, plan, row, logits, token, scratch);
  }
}

void sample_rows(quire_context& context, const quire_plan& plan, const float* logits) {
  const int64_t vocabulary = context.config.vocabulary;
  const auto sample = [&](int32_t row, int32_t worker) {
    sample_row(context, plan, row, logits + row * vocabulary,
               context.sampling[static_cast<size_t>(worker)]);
  };
  if (plan.rows == 1) {
    sample(0, 0);
    return;
  }
  if (plan.rows == 0) return;
  context.next_item.store(0, std::memory_order_relaxed);
  context.pool->run([&](int32_t worker) {
    for (int64_t row; (row = context.next_item.fetch_add(1)) < plan.rows;) {
      sample(static_cast<int32_t>(row), worker);
    }
  });
}

}  // namespace quire
