// Every number of a plan that is used as an index, a count or a divisor is checked here, once; the
// operations trust it. One pass over T tokens, S * blocks table entries and the rows' histories.
#include "plan_check.h"

#include <math.h>

namespace quire {

static int32_t check_seq(const quire_context& context, const quire_plan& plan, int32_t seq) {
  const int32_t first = plan.query_start[seq];
  const int32_t last = plan.query_start[seq + 1];
  if (last < first || last > plan.tokens) {
    return fail(QUIRE_INVALID_ARG,
                "query_start must not fall or exceed tokens: seq=%d, query_start=%d, next=%d, "
                "tokens=%d",
                seq, first, last, plan.tokens);
  }
  const int32_t length = plan.context_len[seq];
  const int64_t most = int64_t{context.config.table_stride} * kPageTokens;
  if (length < last - first || length > context.config.context_length || length > most) {
    return fail(QUIRE_INVALID_ARG,
                "context_len must hold the new tokens and fit: seq=%d, context_len=%d, "
                "query_len=%d, context_length=%d, table_tokens=%lld",
                seq, length, last - first, context.config.context_length,
                static_cast<long long>(most));
  }
  for (int32_t token = first; token < last; ++token) {
    const int32_t expected = length - (last - token);
    if (plan.position[token] != expected) {
      return fail(QUIRE_INVALID_ARG,
                  "positions must end at context_len - 1: token=%d, position=%d, expected=%d",
                  token, plan.position[token], expected);
    }
  }
  if (last == first) return QUIRE_OK;
  const int32_t* table = plan.block_table + int64_t{seq} * context.config.table_stride;
  for (int32_t i = 0; i < (length + kPageTokens - 1) / kPageTokens; ++i) {
    if (table[i] < 0 || table[i] >= context.blocks) {
      return fail(QUIRE_INVALID_ARG,
                  "block must be in the pool: seq=%d, entry=%d, block=%d, blocks=%lld", seq, i,
                  table[i], static_cast<long long>(context.blocks));
    }
  }
  return QUIRE_OK;
}

int32_t check_tables(const quire_context& context, const quire_plan& plan) {
  const quire_config& c = context.config;
  if (plan.tokens < 0 || plan.tokens > c.max_tokens || plan.seqs < 0 || plan.seqs > c.max_seqs) {
    return fail(QUIRE_INVALID_ARG,
                "plan must be within the limits: tokens=%d, max_tokens=%d, seqs=%d, max_seqs=%d",
                plan.tokens, c.max_tokens, plan.seqs, c.max_seqs);
  }
  if (plan.seqs == 0) {
    if (plan.tokens == 0) return QUIRE_OK;
    return fail(QUIRE_INVALID_ARG, "tokens must belong to a sequence: tokens=%d, seqs=0",
                plan.tokens);
  }
  if (plan.query_start[0] != 0 || plan.query_start[plan.seqs] != plan.tokens) {
    return fail(QUIRE_INVALID_ARG,
                "query_start must begin at 0 and end at tokens: first=%d, last=%d, tokens=%d",
                plan.query_start[0], plan.query_start[plan.seqs], plan.tokens);
  }
  for (int32_t seq = 0; seq < plan.seqs; ++seq) {
    const int32_t status = check_seq(context, plan, seq);
    if (status != QUIRE_OK) return status;
  }
  return QUIRE_OK;
}

int32_t check_tokens(const quire_context& context, const quire_plan& plan) {
  for (int32_t seq = 0; seq < plan.seqs; ++seq) {
    const int32_t* table = plan.block_table + int64_t{seq} * context.config.table_stride;
    for (int32_t token = plan.query_start[seq]; token < plan.query_start[seq + 1]; ++token) {
      if (plan.token[token] < 0 || plan.token[token] >= context.config.vocabulary) {
        return fail(QUIRE_INVALID_ARG,
                    "token must be in the vocabulary: index=%d, token=%d, vocabulary=%d", token,
                    plan.token[token], context.config.vocabulary);
      }
      const int32_t position = plan.position[token];
      const int64_t expected =
          int64_t{table[position / kPageTokens]} * kPageTokens + position % kPageTokens;
      if (plan.slot[token] != -1 && plan.slot[token] != expected) {
        return fail(QUIRE_INVALID_ARG,
                    "slot must be the block table's or -1: index=%d, slot=%lld, expected=%lld",
                    token, static_cast<long long>(plan.slot[token]),
                    static_cast<long long>(expected));
      }
    }
  }
  return QUIRE_OK;
}

static int32_t check_ids(const char* name, int32_t row, const int32_t* ids, int32_t start,
                         int32_t count, int32_t vocabulary) {
  if (count < 0 || (count > 0 && start < 0)) {
    return fail(QUIRE_INVALID_ARG, "%s must have a start and a length: row=%d, start=%d, length=%d",
                name, row, start, count);
  }
  for (int64_t i = start; i < int64_t{start} + count; ++i) {
    if (ids[i] < 0 || ids[i] >= vocabulary) {
      return fail(QUIRE_INVALID_ARG,
                  "%s must be in the vocabulary: row=%d, token=%d, vocabulary=%d", name, row,
                  ids[i], vocabulary);
    }
  }
  return QUIRE_OK;
}

static int32_t check_range(const char* name, int32_t row, float value, bool holds) {
  if (holds && isfinite(value)) return QUIRE_OK;
  return fail(QUIRE_INVALID_ARG, "%s must be in its range: row=%d, %s=%g", name, row, name,
              static_cast<double>(value));
}

static int32_t check_sampling(const quire_plan& plan, int32_t row) {
  const float top_p = plan.top_p[row];
  const float min_p = plan.min_p[row];
  const int32_t statuses[] = {
      check_range("temperature", row, plan.temperature[row], plan.temperature[row] >= 0),
      check_range("top_p", row, top_p, top_p > 0 && top_p <= 1),
      check_range("min_p", row, min_p, min_p >= 0 && min_p <= 1),
      check_range("presence_penalty", row, plan.presence_penalty[row], true),
      check_range("frequency_penalty", row, plan.frequency_penalty[row], true),
      check_range("repetition_penalty", row, plan.repetition_penalty[row],
                  plan.repetition_penalty[row] > 0)};
  for (int32_t status : statuses) {
    if (status != QUIRE_OK) return status;
  }
  if (plan.top_k[row] < 0 || plan.prompt_len[row] < 0) {
    return fail(QUIRE_INVALID_ARG,
                "top_k and prompt_len must not be negative: row=%d, top_k=%d, prompt_len=%d", row,
                plan.top_k[row], plan.prompt_len[row]);
  }
  if (plan.logprobs[row] < -1 || plan.logprobs[row] > kTopLogprobs) {
    return fail(QUIRE_INVALID_ARG, "logprobs must be between -1 and %d: row=%d, logprobs=%d",
                kTopLogprobs, row, plan.logprobs[row]);
  }
  return QUIRE_OK;
}

int32_t check_rows(const quire_context& context, const quire_plan& plan, bool in_step) {
  const int32_t vocabulary = context.config.vocabulary;
  if (plan.rows < 0 || plan.rows > context.config.max_rows) {
    return fail(QUIRE_INVALID_ARG, "plan must be within the limits: rows=%d, max_rows=%d",
                plan.rows, context.config.max_rows);
  }
  for (int32_t row = 0; row < plan.rows; ++row) {
    if (in_step && (plan.logit_row[row] < 0 || plan.logit_row[row] >= plan.tokens)) {
      return fail(QUIRE_INVALID_ARG, "logit_row must be a token: row=%d, logit_row=%d, tokens=%d",
                  row, plan.logit_row[row], plan.tokens);
    }
    if (plan.scored_token[row] < -1 || plan.scored_token[row] >= vocabulary) {
      return fail(QUIRE_INVALID_ARG,
                  "scored_token must be in the vocabulary or -1: row=%d, scored_token=%d, "
                  "vocabulary=%d",
                  row, plan.scored_token[row], vocabulary);
    }
    int32_t status = check_sampling(plan, row);
    if (status != QUIRE_OK) return status;
    status = check_ids("history", row, plan.history, plan.history_start[row], plan.history_len[row],
                       vocabulary);
    if (status != QUIRE_OK) return status;
    status = check_ids("bias_token", row, plan.bias_token, plan.bias_start[row], plan.bias_len[row],
                       vocabulary);
    if (status != QUIRE_OK) return status;
    for (int64_t i = 0; i < plan.bias_len[row]; ++i) {
      const float bias = plan.bias_value[plan.bias_start[row] + i];
      status = check_range("bias_value", row, bias, true);
      if (status != QUIRE_OK) return status;
    }
  }
  return QUIRE_OK;
}

}  // namespace quire
