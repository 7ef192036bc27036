// Causal attention of up to 8 query rows of one KV head to one chunk of 256 positions, through the
// block table; and the merge of chunks.
//
//   query    [head_dim] float32 per row;  a row attends to positions first ... limit - 1
//   pages    keys [head_dim, 16 tokens], then values [16 tokens, value_dim], float16
//   partial  [2 + value_dim] per row: largest score m, l = sum of exp(score - m), sum of weighted
//   values
//
// A lane is a token, so scores need no horizontal sums, and a page's key row is read once for all
// rows. Chunks begin at absolute positions and merge in order (flash attention: Dao et al., 2022;
// split softmax: Milakov and Gimelshein, 2018), whoever computes them: the bits depend neither on
// the blocks nor on the tokens computed beside a row nor on threads. Scores of slots that are
// unused or lie before the window are replaced, their values are not read into a sum: whatever lies
// there, NaN too, has no effect.
#include "simd.h"

namespace quire::QUIRE_ISA {

struct Scratch {
  float query[kMaxHeadDim * kAttentionRows];    // [head_dim, rows], scaled
  float weight[kAttentionRows * kChunkTokens];  // scores, then exp(score - m)
};

static inline const uint16_t* page_of(const AttentionChunk& c, int page) {
  const int64_t block = c.block_table[c.chunk * (kChunkTokens / kPageTokens) + page];
  return c.pages + block * c.block_stride;
}

// Scores of rows [row, row + kRows) for pages [page, page + kPages).
template <int kRows, int kPages>
static inline void score_pages(const AttentionChunk& c, int row, int page, Scratch& scratch) {
  const uint16_t* keys[kPages];
  for (int i = 0; i < kPages; ++i) keys[i] = page_of(c, page + i);
  Floats acc[kPages][kRows];
  for (int i = 0; i < kPages; ++i) {
    for (int r = 0; r < kRows; ++r) acc[i][r] = set1(0);
  }
  const float* query = scratch.query + row;
  for (int d = 0; d < c.head_dim; ++d, query += kAttentionRows) {
    for (int i = 0; i < kPages; ++i) {
      const Floats key = load_half(keys[i] + d * kPageTokens);
      for (int r = 0; r < kRows; ++r) acc[i][r] = fmadd(key, set1(query[r]), acc[i][r]);
    }
  }
  for (int i = 0; i < kPages; ++i) {
    for (int r = 0; r < kRows; ++r) {
      store(scratch.weight + (row + r) * kChunkTokens + (page + i) * kPageTokens, acc[i][r]);
    }
  }
}

template <int kRows>
static void scores(const AttentionChunk& c, int row, int page, int pages, Scratch& scratch) {
  constexpr int kPages = kRows <= kRowGroup / 4 ? 4 : kRows <= kRowGroup / 2 ? 2 : 1;
  for (; page + kPages <= pages; page += kPages) score_pages<kRows, kPages>(c, row, page, scratch);
  for (; page < pages; ++page) score_pages<kRows, 1>(c, row, page, scratch);
}

// Scores of one row to weights over its tokens [from, count), from < count.
static void softmax(float* weight, int from, int count, float* partial) {
  const int begin = from / kLanes * kLanes;
  for (int i = begin; i < from; ++i) weight[i] = -INFINITY;
  const Floats lowest = set1(-INFINITY);
  Floats most = lowest;
  for (int i = begin; i < count; i += kLanes) {
    const Floats score = keep_first(load(weight + i), count - i, -INFINITY);
    store(weight + i, score);
    most = max(most, score);
  }
  const float m = largest(most);
  Floats total = set1(0);
  for (int i = begin; i < count; i += kLanes) {
    const Floats e = exp(sub(load(weight + i), set1(m)));
    store(weight + i, e);
    total = add(total, e);
  }
  partial[0] = m;
  partial[1] = sum(total);
}

// Adds tokens [from, to) times their weights to kVectors * 16 value elements of kRows rows.
template <int kRows, int kVectors>
static inline void add_values(const AttentionChunk& c, int row, int from, int to, int element,
                              const Scratch& scratch, Floats (&acc)[kRows][kVectors]) {
  const uint16_t* values = nullptr;
  const int64_t offset = static_cast<int64_t>(c.head_dim) * kPageTokens + element;
  for (int token = from; token < to; ++token) {
    if (token == from || token % kPageTokens == 0) {
      values = page_of(c, token / kPageTokens) + offset;
    }
    const uint16_t* in = values + token % kPageTokens * c.value_dim;
    for (int v = 0; v < kVectors; ++v) {
      const Floats value = load_half(in + v * kLanes);
      for (int r = 0; r < kRows; ++r) {
        const float weight = scratch.weight[(row + r) * kChunkTokens + token];
        acc[r][v] = fmadd(value, set1(weight), acc[r][v]);
      }
    }
  }
}

// Tokens [from, to) of the chunk that a row attends to; none where from >= to.
struct Span {
  int from, to;
};

template <int kRows, int kVectors>
static inline void weigh(const AttentionChunk& c, int row, const Span* spans, int element,
                         const Scratch& scratch) {
  Floats acc[kRows][kVectors];
  Span common = {0, kChunkTokens};
  for (int r = 0; r < kRows; ++r) {
    const Span span = spans[row + r];
    common.from = span.from > common.from ? span.from : common.from;
    common.to = span.to < common.to ? span.to : common.to;
    for (int v = 0; v < kVectors; ++v) acc[r][v] = set1(0);
  }
  if (common.to < common.from) common.to = common.from;
  // Rows that begin earlier or reach further go alone there, in the order of tokens: what a row
  // does not attend to is not even multiplied by 0.
  for (int r = 0; r < kRows; ++r) {
    const Span span = spans[row + r];
    const int to = span.to < common.from ? span.to : common.from;
    if (span.from < to) {
      Floats(&own)[1][kVectors] = reinterpret_cast<Floats(&)[1][kVectors]>(acc[r]);
      add_values<1, kVectors>(c, row + r, span.from, to, element, scratch, own);
    }
  }
  add_values<kRows, kVectors>(c, row, common.from, common.to, element, scratch, acc);
  for (int r = 0; r < kRows; ++r) {
    if (spans[row + r].to > common.to) {
      Floats(&own)[1][kVectors] = reinterpret_cast<Floats(&)[1][kVectors]>(acc[r]);
      add_values<1, kVectors>(c, row + r, common.to, spans[row + r].to, element, scratch, own);
    }
    for (int v = 0; v < kVectors; ++v) {
      store(c.partial[row + r] + 2 + element + v * kLanes, acc[r][v]);
    }
  }
}

template <int kRows>
static void values(const AttentionChunk& c, int row, const Span* spans, const Scratch& scratch) {
  constexpr int kVectors = kRows <= kRowGroup / 4 ? 4 : kRows <= kRowGroup / 2 ? 2 : 1;
  int element = 0;
  for (; element + kVectors * kLanes <= c.value_dim; element += kVectors * kLanes) {
    weigh<kRows, kVectors>(c, row, spans, element, scratch);
  }
  for (; element < c.value_dim; element += kLanes) {
    weigh<kRows, 1>(c, row, spans, element, scratch);
  }
}

static inline int within_chunk(int position) {
  return position < 0 ? 0 : position > kChunkTokens ? kChunkTokens : position;
}

template <int kRows>
static void rows_of_chunk(const AttentionChunk& c, int row, Scratch& scratch) {
  Span spans[kAttentionRows];
  Span all = {kChunkTokens, 0};
  for (int r = row; r < row + kRows; ++r) {
    spans[r] = {within_chunk(c.first[r] - c.chunk * kChunkTokens),
                within_chunk(c.limit[r] - c.chunk * kChunkTokens)};
    if (spans[r].from >= spans[r].to) continue;
    all.from = spans[r].from < all.from ? spans[r].from : all.from;
    all.to = spans[r].to > all.to ? spans[r].to : all.to;
  }
  scores<kRows>(c, row, all.from / kPageTokens, (all.to + kPageTokens - 1) / kPageTokens, scratch);
  for (int r = row; r < row + kRows; ++r) {
    if (spans[r].from < spans[r].to) {
      softmax(scratch.weight + r * kChunkTokens, spans[r].from, spans[r].to, c.partial[r]);
    } else {
      c.partial[r][0] = -INFINITY;
      c.partial[r][1] = 0;
    }
  }
  values<kRows>(c, row, spans, scratch);
}

void attention_chunk(const AttentionChunk& c) {
  Scratch scratch;
  for (int r = 0; r < c.rows; ++r) {
    for (int d = 0; d < c.head_dim; ++d) {
      scratch.query[d * kAttentionRows + r] = c.query[r][d] * c.scale;
    }
  }
  int row = 0;
  for (; row + kRowGroup <= c.rows; row += kRowGroup) rows_of_chunk<kRowGroup>(c, row, scratch);
  for (; row + 4 <= c.rows; row += 4) rows_of_chunk<4>(c, row, scratch);
  switch (c.rows - row) {
    case 3:
      return rows_of_chunk<3>(c, row, scratch);
    case 2:
      return rows_of_chunk<2>(c, row, scratch);
    case 1:
      return rows_of_chunk<1>(c, row, scratch);
  }
}

static float exp_one(float x) {
  float lanes[kLanes];
  store(lanes, exp(set1(x)));
  return lanes[0];
}

void attention_merge(float* running, const float* partial, int32_t value_dim) {
  if (partial[1] == 0) return;  // The row attends to nothing there,
  if (running[1] == 0) {        // or did not before.
    memcpy(running, partial, static_cast<size_t>(2 + value_dim) * sizeof(float));
    return;
  }
  const float m = running[0] > partial[0] ? running[0] : partial[0];
  const float keep = exp_one(running[0] - m);
  const float take = exp_one(partial[0] - m);
  running[0] = m;
  running[1] = running[1] * keep + partial[1] * take;
  for (int i = 2; i < 2 + value_dim; i += kLanes) {
    store(running + i, add(mul(load(running + i), set1(keep)), mul(load(partial + i), set1(take))));
  }
}

void attention_finish(const float* running, int32_t head_dim, float* out) {
  const Floats total = set1(running[1]);
  for (int i = 0; i < head_dim; i += kLanes) {
    store_up_to(out + i, head_dim - i, div(load(running + 2 + i), total));
  }
}

}  // namespace quire::QUIRE_ISA
