// Sampling against the plain definition, in double precision over a sorted vocabulary.
#include <algorithm>
#include <numeric>

#include "../cpu/sampler.h"
#include "fixture.h"

using namespace fixture;

static constexpr int32_t kVocabulary = 1000;

static Config sample_config(int32_t isa, int32_t threads, int32_t vocabulary = kVocabulary) {
  Config c = small_config();
  c.vocabulary = vocabulary;
  c.max_rows = 64;
  c.isa = isa;
  c.threads = threads;
  return c;
}

struct Expected {
  int32_t token;
  bool near_bound;  // within rounding of another choice
};

static std::vector<float> adjusted(const Plan& p, size_t row, std::vector<float> logits) {
  for (int32_t i = 0; i < p.bias_len[row]; ++i) {
    logits[static_cast<size_t>(p.bias_token[static_cast<size_t>(p.bias_start[row] + i)])] +=
        p.bias_value[static_cast<size_t>(p.bias_start[row] + i)];
  }
  std::vector<int32_t> seen(logits.size()), generated(logits.size());
  for (int32_t i = 0; i < p.history_len[row]; ++i) {
    const size_t token =
        static_cast<size_t>(p.history[static_cast<size_t>(p.history_start[row] + i)]);
    seen[token] = 1;
    generated[token] += i >= p.prompt_len[row];
  }
  for (size_t t = 0; t < logits.size(); ++t) {
    if (seen[t] && p.repetition[row] != 1)
      logits[t] = logits[t] > 0 ? logits[t] / p.repetition[row] : logits[t] * p.repetition[row];
    if (generated[t] > 0)
      logits[t] -= p.frequency[row] * static_cast<float>(generated[t]) + p.presence[row];
  }
  return logits;
}

static Expected reference(const Plan& p, size_t row, const std::vector<float>& raw) {
  const std::vector<float> logits = adjusted(p, row, raw);
  const int32_t vocabulary = static_cast<int32_t>(raw.size());
  std::vector<int32_t> order;
  for (int32_t t = 0; t < vocabulary; ++t) {
    if (logits[static_cast<size_t>(t)] > -INFINITY) order.push_back(t);
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  if (order.empty()) return {-1, false};
  if (p.temperature[row] == 0) return {order[0], false};
  bool near_bound = false;
  std::vector<double> weight;
  for (int32_t t : order)
    weight.push_back(exp((static_cast<double>(logits[static_cast<size_t>(t)]) -
                          logits[static_cast<size_t>(order[0])]) /
                         p.temperature[row]));
  size_t kept = weight.size();
  while (kept > 1 && weight[kept - 1] < p.min_p[row]) --kept;
  for (double w : weight) near_bound |= p.min_p[row] > 0 && fabs(w - p.min_p[row]) < 1e-5 * w;
  if (p.top_k[row] > 0) kept = std::min(kept, static_cast<size_t>(p.top_k[row]));
  if (p.top_p[row] < 1) {
    const double bound =
        p.top_p[row] *
        std::accumulate(weight.begin(), weight.begin() + static_cast<int64_t>(kept), 0.0);
    double cumulative = 0;
    for (size_t i = 0; i < kept; ++i) {
      cumulative += weight[i];
      near_bound |= fabs(cumulative - bound) < 1e-5 * bound;
      if (cumulative >= bound) kept = i + 1;
    }
  }
  std::vector<double> by_id(raw.size(), 0.0);
  double total = 0;
  for (size_t i = 0; i < kept; ++i) total += by_id[static_cast<size_t>(order[i])] = weight[i];
  const double threshold = quire::philox_uniform(p.seed[row], p.counter[row]) * total;
  double cumulative = 0;
  int32_t chosen = -1;
  for (int32_t t = 0; t < vocabulary; ++t) {
    cumulative += by_id[static_cast<size_t>(t)];
    near_bound |= by_id[static_cast<size_t>(t)] > 0 && fabs(cumulative - threshold) < 1e-5 * total;
    if (chosen < 0 && cumulative > threshold) chosen = t;
  }
  return {chosen, near_bound};
}

TEST(philox_knownAnswers_agree) {
  // Random123's known answer for zeros: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
  const double expected = ((0x6627e8d5u >> 5) * 67108864.0 + (0xe169c58du >> 6)) * 0x1.0p-53;
  CHECK(quire::philox_uniform(0, 0) == expected, "got %.17g, expected %.17g",
        quire::philox_uniform(0, 0), expected);
}

static void random_row(Random& random, Plan& plan) {
  const size_t row = static_cast<size_t>(plan.add_row(0));
  plan.temperature[row] =
      random.below(4) == 0 ? 0 : 0.2f + 0.1f * static_cast<float>(random.below(18));
  plan.top_p[row] = random.below(2) == 0 ? 1 : 0.05f + 0.9f * fabsf(random.value());
  plan.min_p[row] = random.below(3) == 0 ? 0.3f * fabsf(random.value()) : 0;
  plan.top_k[row] = random.below(2) == 0 ? 0 : 1 + random.below(60);
  plan.seed[row] = static_cast<int64_t>(random.next());
  plan.counter[row] = random.below(100000);
  if (random.below(2) == 0) {
    plan.presence[row] = random.value();
    plan.frequency[row] = random.value();
    plan.repetition[row] = 1.5f + random.value() * 0.5f;
    plan.history_start[row] = static_cast<int32_t>(plan.history.size());
    plan.history_len[row] = random.below(300);
    plan.prompt_len[row] = random.below(200);
    for (int32_t i = 0; i < plan.history_len[row]; ++i)
      plan.history.push_back(random.below(kVocabulary));
  }
  plan.bias_start[row] = static_cast<int32_t>(plan.bias_token.size());
  plan.bias_len[row] = random.below(5);
  for (int32_t i = 0; i < plan.bias_len[row]; ++i) {
    plan.bias_token.push_back(i * 200 + random.below(200));
    plan.bias_value.push_back(random.value() * 5);
  }
}

TEST(sample_randomParameters_agreeWithTheDefinition) {
  int compared = 0;
  for (int32_t isa : isas()) {
    Random random{14};
    for (int round = 0; round < 20; ++round) {
      Plan plan(40);
      for (int row = 0; row < 64; ++row) random_row(random, plan);
      std::vector<float> logits = random_floats(random, 64 * kVocabulary, 6);
      // Ties, and what is no number.
      for (float& logit : logits) {
        if (random.below(4) == 0) logit = floorf(logit);
        if (random.below(50) == 0) logit = random.below(2) == 0 ? NAN : -INFINITY;
      }
      Context c(sample_config(isa, 1 + round % 3));
      CHECK(quire_op_sample(c.context, plan.get(), logits.data()) == QUIRE_OK, "%s",
            quire_last_error());
      for (size_t row = 0; row < 64; ++row) {
        const std::vector<float> raw(logits.begin() + static_cast<int64_t>(row) * kVocabulary,
                                     logits.begin() + static_cast<int64_t>(row + 1) * kVocabulary);
        const Expected expected = reference(plan, row, raw);
        if (expected.near_bound) continue;
        ++compared;
        CHECK(plan.out_token[row] == expected.token,
              "isa=%d, round=%d, row=%zu, got=%d, expected=%d, T=%g, p=%g, k=%d, min=%g", isa,
              round, row, plan.out_token[row], expected.token,
              static_cast<double>(plan.temperature[row]), static_cast<double>(plan.top_p[row]),
              plan.top_k[row], static_cast<double>(plan.min_p[row]));
      }
    }
  }
  CHECK(compared > 1000, "too many rows skipped: compared=%d", compared);
}

// Filters over a vocabulary of many runs, where nearly all tokens are dropped before any is
// ordered: flat and steep logits, few and many kept, more than there are groups, and ties all over.
TEST(sample_manyTokens_agreesWithTheDefinition) {
  constexpr int32_t kMany = 5003;
  constexpr size_t kRows = 24;
  int compared = 0;
  for (int32_t isa : isas()) {
    Random random{15};
    Context c(sample_config(isa, 2, kMany));
    for (const float spread : {0.5f, 4.0f, 30.0f}) {
      Plan plan(40);
      std::vector<float> logits = random_floats(random, kRows * kMany, spread);
      for (size_t row = 0; row < kRows; ++row) {
        plan.add_row(0);
        plan.temperature[row] = 0.3f + 0.1f * static_cast<float>(random.below(15));
        const float bounds[] = {1, 0.01f, 0.5f, 0.95f, 0.9999f, 0.9999999f};
        plan.top_p[row] = bounds[random.below(6)];
        const int32_t counts[] = {0, 0, 1, 7, 150, 161, 3000, kMany};
        plan.top_k[row] = counts[random.below(8)];
        const float least[] = {0, 0, 0.001f, 0.3f, 1};
        plan.min_p[row] = least[random.below(5)];
        plan.seed[row] = static_cast<int64_t>(random.next());
        const bool ties = random.below(4) == 0;
        for (size_t t = row * kMany; t < (row + 1) * kMany; ++t) {
          if (ties) logits[t] = row % 2 == 0 ? 3 : floorf(logits[t]);
          if (random.below(100) == 0) logits[t] += 3 * spread;
        }
      }
      CHECK(quire_op_sample(c.context, plan.get(), logits.data()) == QUIRE_OK, "%s",
            quire_last_error());
      for (size_t row = 0; row < kRows; ++row) {
        const std::vector<float> raw(logits.begin() + static_cast<int64_t>(row) * kMany,
                                     logits.begin() + static_cast<int64_t>(row + 1) * kMany);
        const Expected expected = reference(plan, row, raw);
        if (expected.near_bound) continue;
        ++compared;
        CHECK(plan.out_token[row] == expected.token,
              "isa=%d, spread=%g, row=%zu, got=%d, expected=%d, T=%g, p=%g, k=%d, min=%g", isa,
              static_cast<double>(spread), row, plan.out_token[row], expected.token,
              static_cast<double>(plan.temperature[row]), static_cast<double>(plan.top_p[row]),
              plan.top_k[row], static_cast<double>(plan.min_p[row]));
      }
    }
  }
  CHECK(compared > 100, "too many rows skipped: compared=%d", compared);
}

TEST(sample_noNumber_givesNoToken) {
  for (int32_t isa : isas()) {
    Context c(sample_config(isa, 1));
    Plan plan(40);
    for (int row = 0; row < 4; ++row) plan.add_row(0);
    plan.temperature = {0, 1, 1, 0};
    plan.top_p = {1, 1, 0.5f, 1};
    std::vector<float> logits(4 * kVocabulary, NAN);
    logits[3 * kVocabulary + 77] = -1e30f;
    CHECK(quire_op_sample(c.context, plan.get(), logits.data()) == QUIRE_OK, "%s",
          quire_last_error());
    CHECK(plan.out_token == std::vector<int32_t>({-1, -1, -1, 77}), "isa=%d, got %d %d %d %d", isa,
          plan.out_token[0], plan.out_token[1], plan.out_token[2], plan.out_token[3]);
  }
}

// -0 and 0 are a tie like any other.
TEST(sample_zerosOfBothSigns_tieToTheLowestId) {
  for (int32_t isa : isas()) {
    Context c(sample_config(isa, 1));
    Plan plan(40);
    for (int row = 0; row < 2; ++row) plan.add_row(0);
    plan.temperature = {0, 1};
    plan.top_k = {0, 1};
    std::vector<float> logits(2 * kVocabulary, -1e30f);
    for (int row = 0; row < 2; ++row) {
      logits[row * kVocabulary + 5] = -0.0f;
      logits[row * kVocabulary + 9] = 0.0f;
    }
    CHECK(quire_op_sample(c.context, plan.get(), logits.data()) == QUIRE_OK, "%s",
          quire_last_error());
    CHECK(plan.out_token == std::vector<int32_t>({5, 5}), "isa=%d, got %d %d", isa,
          plan.out_token[0], plan.out_token[1]);
  }
}

TEST(sample_logprobs_agreeWithDouble) {
  for (int32_t isa : isas()) {
    Random random{15};
    Context c(sample_config(isa, 1));
    Plan plan(40);
    plan.add_row(0);
    plan.add_row(0);
    plan.logprobs = {20, 0};
    plan.scored = {-1, 123};
    std::vector<float> logits = random_floats(random, 2 * kVocabulary, 9);
    logits[500] = logits[501] = logits[3] = 9.5f;
    logits[10] = NAN;
    CHECK(quire_op_sample(c.context, plan.get(), logits.data()) == QUIRE_OK, "%s",
          quire_last_error());
    for (size_t row = 0; row < 2; ++row) {
      const float* raw = logits.data() + row * kVocabulary;
      double total = 0;
      std::vector<int32_t> order;
      for (int32_t t = 0; t < kVocabulary; ++t) {
        if (isnan(raw[t])) continue;
        total += exp(static_cast<double>(raw[t]));
        order.push_back(t);
      }
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return raw[a] > raw[b]; });
      const int32_t token = row == 0 ? 3 : 123;
      CHECK(fabs(plan.out_logprob[row] - (raw[token] - log(total))) < 2e-6, "isa=%d, row=%zu", isa,
            row);
      for (size_t i = 0; row == 0 && i < 20; ++i) {
        CHECK(plan.top_token[i] == order[i], "isa=%d, i=%zu, got=%d, expected=%d", isa, i,
              plan.top_token[i], order[i]);
        CHECK(fabs(plan.top_logprob[i] - (raw[order[i]] - log(total))) < 2e-6, "isa=%d, i=%zu", isa,
              i);
      }
    }
    CHECK(plan.out_token[0] == 3, "ties to the lowest id: %d", plan.out_token[0]);
  }
}
