// Sampling as dev.quire.sampling.ReferenceSampler defines it: bias, penalties, then greedy or min-p
// → top-k → top-p and a draw in id order.
//
//   logits  [R, vocabulary] float32
//
// Parallel over rows. Greedy is one vector pass; a plain temperature one pass of exponentials with
// sums of runs of 512, of which the draw walks one. Top-k and top-p both keep a prefix of the order
// by logit. First a bar that the prefix surely reaches drops nearly all tokens in one vector pass;
// halving the range of logits then leaves a few among which the prefix ends, and only those are
// sorted.
#include <math.h>
#include <string.h>

#include <algorithm>
#include <functional>

#include "sampler.h"

namespace quire {

static constexpr int32_t kNoToken = -1;
static constexpr int32_t kSeen = 1 << 30;  // beside it, how often the token was generated

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

static constexpr int64_t kFewCandidates = 64;  // are sorted

static float next_below(float value) { return nextafterf(value, -INFINITY); }

// What of a list's order by logit (ties to the lowest id) is wanted: the first `count`, or as many
// as bring the sum of weights to `mass`, whichever are fewer.
struct Prefix {
  int64_t count;
  double mass;

  bool reached(int64_t tokens, double weight) const { return tokens >= count || weight >= mass; }
};

// Logits between which a prefix ends: it has all tokens from `end` on, and none below `begin`.
struct Band {
  float begin, end;
  int64_t tokens;  // from `end` on
  double weight;   // of those
};

// A list that is shortened in place: `size` tokens, in id order.
struct Drawable {
  const KernelTable& kernels;
  TokenList list;
  int64_t size;

  // Drops tokens below `least`.
  void drop_below(float least) {
    size = kernels.keep_between(list.ids, list.logits, list.weights, size, next_below(least),
                                INFINITY, 0, list);
  }
};

// Reaches down from the largest logit in steps that double, then halves until few tokens are left;
// ties stay together. Drops tokens that the prefix surely lacks as soon as they are many. Where it
// has all of them: begin = -infinity.
static Band narrow(Drawable& tokens, float largest, Prefix prefix) {
  Band band = {-INFINITY, INFINITY, 0, 0};
  int64_t inside = tokens.size;
  float step = 1;
  for (float probe = largest; inside > kFewCandidates;) {
    double weight;
    const int64_t above = tokens.kernels.mass_from(tokens.list.logits, tokens.list.weights,
                                                   tokens.size, probe, &weight);
    if (prefix.reached(above, weight)) {
      band.begin = probe;
      inside = above - band.tokens;
      if (above < tokens.size / 2) tokens.drop_below(probe);
    } else {
      inside -= above - band.tokens;
      band.end = probe;
      band.tokens = above;
      band.weight = weight;
    }
    if (band.begin == -INFINITY) {
      if (above == tokens.size) break;
      probe = largest - step;
      step *= 2;
    } else {
      probe = band.begin / 2 + band.end / 2;
      if (!(probe > band.begin && probe < band.end)) break;
    }
  }
  return band;
}

// Shortens the list, which is not empty, to the prefix.
static void cut(Drawable& tokens, float largest, Prefix prefix, SampleScratch& scratch) {
  const Band band = narrow(tokens, largest, prefix);
  const TokenList& list = tokens.list;
  const TokenList found = {scratch.band.get(), scratch.band_logit.get(), scratch.band_weight.get()};
  const int64_t inside =
      tokens.kernels.keep_between(nullptr, list.logits, list.weights, tokens.size,
                                  next_below(band.begin), next_below(band.end), 0, found);
  Candidate* candidates = scratch.candidate.get();
  for (int64_t i = 0; i < inside; ++i) {
    candidates[i] = {found.logits[i], found.ids[i], found.weights[i]};
  }
  std::sort(candidates, candidates + inside, [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.place < b.place;
  });
  int64_t above = band.tokens;
  double weight = band.weight;
  int64_t taken = 0;
  while (taken < inside && !prefix.reached(above, weight)) {
    weight += static_cast<double>(candidates[taken++].weight);
    ++above;
  }
  const float least = taken > 0 ? candidates[taken - 1].logit : band.end;
  for (; taken < inside && candidates[taken].logit == least; ++taken) {
    list.logits[candidates[taken].place] = -INFINITY;  // A tie that comes too late.
  }
  tokens.drop_below(least);
}

static double total(const double* sums, int64_t size) {
  double total = 0;
  for (int64_t run = 0; run * kSumRun < size; ++run) total += sums[run];
  return total;
}

// Draw among all of a list: finds the run of 512, then the place in it.
static int32_t draw_plain(const float* weights, const double* sums, int64_t size, double uniform) {
  const double threshold = uniform * total(sums, size);
  double before = 0;
  int32_t last = kNoToken;
  for (int64_t begin = 0; begin < size; begin += kSumRun) {
    const double after = before + sums[begin / kSumRun];
    const int64_t end = begin + kSumRun < size ? begin + kSumRun : size;
    // Only the run that crosses the threshold is walked, and those behind it if rounding says so.
    const bool walk = after > threshold || end == size;
    double cumulative = before;
    for (int64_t i = begin; walk && i < end; ++i) {
      if (!(weights[i] > 0)) continue;
      cumulative += static_cast<double>(weights[i]);
      last = static_cast<int32_t>(i);
      if (cumulative > threshold) return last;
    }
    before = after;
  }
  return last;
}

// A logit that at least `count` tokens reach: the count-th largest of the groups' largest.
static float reached_by(int64_t count, const KernelTable& kernels, const float* logits,
                        int64_t vocabulary, float* maximum) {
  const int64_t groups = (vocabulary + kSumRun - 1) / kSumRun * kLanes;
  if (count > groups) return -INFINITY;
  kernels.group_maxima(logits, vocabulary, maximum);
  std::nth_element(maximum, maximum + (count - 1), maximum + groups, std::greater<float>());
  return maximum[count - 1];
}

// What a row samples with; `top_k` is at most the vocabulary.
struct Filter {
  float temperature, top_p, min_p;
  int64_t top_k;
};

// Tokens that may outlive top-p alone, with their weights; returns the weight of all.
static double heavy_tokens(Drawable& tokens, const Filter& filter, const float* logits,
                           int64_t vocabulary, float largest, SampleScratch& scratch) {
  tokens.kernels.exp_weights(logits, vocabulary, largest, filter.temperature, scratch.weight.get(),
                             scratch.run_sum.get());
  const double all = total(scratch.run_sum.get(), vocabulary);
  // What weighs less than this is, even if all tokens were such, half as heavy as what top-p drops.
  // Half: a margin for the exponential's error; next_below: for the bar's own rounding.
  const double light =
      (1 - static_cast<double>(filter.top_p)) * all / (2 * static_cast<double>(vocabulary));
  const float bar = next_below(largest + filter.temperature * static_cast<float>(log(light)));
  tokens.size = tokens.kernels.keep_between(nullptr, logits, scratch.weight.get(), vocabulary, bar,
                                            INFINITY, 0, tokens.list);
  return all;
}

// Tokens that may outlive top-k and min-p, with their weights: only those need an exponential.
static void high_tokens(Drawable& tokens, const Filter& filter, const float* logits,
                        int64_t vocabulary, float largest, SampleScratch& scratch) {
  float bar = -INFINITY;
  if (filter.top_k < vocabulary) {
    bar = next_below(
        reached_by(filter.top_k, tokens.kernels, logits, vocabulary, scratch.maximum.get()));
  }
  if (filter.min_p > 0) {
    // 1 % below, which is more than the exponential's error; then exactly.
    const float light = largest + filter.temperature * (logf(filter.min_p) - 0.01f);
    bar = fmaxf(bar, next_below(light));
  }
  tokens.size = tokens.kernels.keep_between(nullptr, logits, logits, vocabulary, bar, INFINITY,
                                            -INFINITY, tokens.list);
  tokens.kernels.exp_weights(tokens.list.logits, tokens.size, largest, filter.temperature,
                             tokens.list.weights, scratch.run_sum.get());
  tokens.size = tokens.kernels.keep_between(
      tokens.list.ids, tokens.list.logits, tokens.list.weights, tokens.size, -INFINITY, INFINITY,
      filter.min_p > 0 ? next_below(filter.min_p) : 0, tokens.list);
}

// Draw among what min-p, top-k and top-p leave.
static int32_t draw_filtered(const KernelTable& kernels, const Filter& filter, const float* logits,
                             int64_t vocabulary, float largest, double uniform,
                             SampleScratch& scratch) {
  Drawable tokens = {
      kernels, {scratch.kept.get(), scratch.kept_logit.get(), scratch.kept_weight.get()}, 0};
  double all;
  if (filter.top_k >= vocabulary && filter.min_p <= 0) {
    all = heavy_tokens(tokens, filter, logits, vocabulary, largest, scratch);
  } else {
    high_tokens(tokens, filter, logits, vocabulary, largest, scratch);
    if (filter.top_k < tokens.size) {
      cut(tokens, largest, {filter.top_k, static_cast<double>(INFINITY)}, scratch);
    }
    kernels.run_sums(tokens.list.weights, tokens.size, scratch.run_sum.get());
    all = total(scratch.run_sum.get(), tokens.size);
  }
  if (filter.top_p < 1 && tokens.size > 0) {
    cut(tokens, largest, {tokens.size, static_cast<double>(filter.top_p) * all}, scratch);
  }
  kernels.run_sums(tokens.list.weights, tokens.size, scratch.run_sum.get());
  const int32_t place =
      draw_plain(tokens.list.weights, scratch.run_sum.get(), tokens.size, uniform);
  return place < 0 ? kNoToken : tokens.list.ids[place];
}

static int32_t choose(const quire_context& context, const quire_plan& plan, int32_t row,
                      const float* raw, SampleScratch& scratch) {
  const int32_t vocabulary = context.config.vocabulary;
  const KernelTable& kernels = *context.kernels;
  const float* logits = adjust(plan, row, vocabulary, raw, scratch);
  float largest;
  const int64_t top = kernels.arg_max(logits, vocabulary, &largest);
  if (top < 0 || plan.temperature[row] == 0) return static_cast<int32_t>(top);
  const double uniform = philox_uniform(plan.seed[row], plan.counter[row]);
  const int32_t top_k = plan.top_k[row];
  const Filter filter = {plan.temperature[row], plan.top_p[row], plan.min_p[row],
                         top_k > 0 && top_k < vocabulary ? top_k : vocabulary};
  if (filter.top_k < vocabulary || filter.top_p < 1 || filter.min_p > 0) {
    return draw_filtered(kernels, filter, logits, vocabulary, largest, uniform, scratch);
  }
  kernels.exp_weights(logits, vocabulary, largest, filter.temperature, scratch.weight.get(),
                      scratch.run_sum.get());
  return draw_plain(scratch.weight.get(), scratch.run_sum.get(), vocabulary, uniform);
}

// Natural log-probabilities of the raw logits, for the token and the most likely ones.
static void log_probabilities(const quire_context& context, const quire_plan& plan, int32_t row,
                              const float* logits, int32_t token, SampleScratch& scratch) {
  const int32_t vocabulary = context.config.vocabulary;
  float largest;
  if (context.kernels->arg_max(logits, vocabulary, &largest) < 0) largest = 0;
  context.kernels->exp_weights(logits, vocabulary, largest, 1.0f, scratch.weight.get(),
                               scratch.run_sum.get());
  const double log_total =
      log(total(scratch.run_sum.get(), vocabulary)) + static_cast<double>(largest);
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
