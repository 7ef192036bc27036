// Causal attention of the query rows of a tile to one chunk of 256 positions, through the block
// table; and the merge of chunks.
//
//   query    [head_dim] float32 per row;  a row attends to positions first ... limit - 1
//   pages    as cache_write.cpp lays them out
//   partial  [2 + value_dim] per row: largest score m, l = sum of 2^(score - m), sum of weighted
//            values; scores are to base 2
//
// A lane is a token, so scores need no horizontal sums, and a step of a page is read once for a
// group of rows, which all follow each other while the chunk is in cache. Chunks begin at absolute
// positions and merge in order (flash attention: Dao et al., 2022; split softmax: Milakov and
// Gimelshein, 2018), whoever computes them: a row's operations and their order depend neither on
// the blocks nor on the rows computed beside it nor on threads. Scores of slots that are unused or
// lie before the window are replaced, their values are not read into a sum: whatever lies there,
// NaN too, has no effect.
#include "attention_formats.h"

namespace quire::QUIRE_ISA {

constexpr float kLog2E = 1.44269504088896341f;

// Below it a weight is 0: less than 2^-56.
constexpr float kLeastExponent = -56;

// Where the pages of a chunk lie; null where no row needs them.
struct Pages {
  const uint8_t* at[kChunkTokens / kPageTokens];
};

struct Scratch {
  float score[kRowGroup][kChunkTokens];
  uint32_t weight[kRowGroup][kChunkTokens];  // kWords per step of a format
  float weight_scale[kRowGroup];             // of ByteFormat
  Pages pages;
};

// Tokens [from, to) of the chunk that a row attends to; none where from >= to.
struct Span {
  int from, to;
};

// 2^x = 2^n * 2^f, |f| <= 1/2, for x <= 0; polynomials of least relative error that are 1 at 0.
// Not a number stays so. Here within 1.1e-7 (and the rounding), 0 below -126.
static inline Floats exp2(Floats x) {
  const Floats clamped = max(set1(-126), x);
  const Floats n = round_even(clamped);
  const Floats f = sub(clamped, n);
  Floats p = set1(1.53353620e-4f);
  p = fmadd(p, f, set1(1.33988739e-3f));
  p = fmadd(p, f, set1(9.61843692e-3f));
  p = fmadd(p, f, set1(5.55033237e-2f));
  p = fmadd(p, f, set1(2.40226477e-1f));
  p = fmadd(p, f, set1(6.93147182e-1f));
  p = fmadd(p, f, set1(1.0f));
  return zero_below(x, -126, scale_by_power(p, n));
}

// Within 2.9e-6, for weights that are rounded to far less after it; 0 below kLeastExponent.
static inline Floats rough_exp2(Floats x) {
  const Floats clamped = max(set1(-126), x);
  const Floats n = round_even(clamped);
  const Floats f = sub(clamped, n);
  Floats p = set1(9.58285294e-3f);
  p = fmadd(p, f, set1(5.59064262e-2f));
  p = fmadd(p, f, set1(2.40240991e-1f));
  p = fmadd(p, f, set1(6.93124175e-1f));
  p = fmadd(p, f, set1(1.0f));
  return zero_below(x, kLeastExponent, scale_by_power(p, n));
}

// A query row times `factor`, as steps of words; returns the scale of its words.
static float row_words(HalfFormat, const float* query, int head_dim, float factor,
                       uint32_t* words) {
  for (int d = 0; d < head_dim; d += kLanes) {
    store_words(words + d, mul(load_up_to(query + d, head_dim - d, 0), set1(factor)));
  }
  return 1;
}

static float row_words(BfloatFormat, const float* query, int head_dim, float factor,
                       uint32_t* words) {
  for (int d = 0; d < head_dim; d += kLanes) {
    const Floats scaled = mul(load_up_to(query + d, head_dim - d, 0), set1(factor));
    BfloatFormat::store_row(words, d, flush_tiny(scaled));
  }
  return 1;
}

static float row_words(ByteFormat, const float* query, int head_dim, float factor,
                       uint32_t* words) {
  const float magnitude = largest_magnitude(query, head_dim);
  const bool none = !(magnitude >= 1e-30f);  // or not a number
  const Floats inverse = set1(none ? 0 : kQuantSteps / magnitude);
  int16_t* quants = reinterpret_cast<int16_t*>(words);
  for (int d = 0; d < head_dim; d += kLanes) {
    store_rounded(quants + d, mul(load_up_to(query + d, head_dim - d, 0), inverse));
  }
  return magnitude / kQuantSteps * factor;
}

template <typename Format>
static void prepare(AttentionTile& tile) {
  const int head_dim = tile.layout.head_dim;
  const int steps = head_dim / Format::kStep;
  uint32_t words[kMaxHeadDim + kLanes];
  for (int row = 0; row < tile.rows; ++row) {
    tile.prepared_scale[row] =
        row_words(Format(), tile.query[row], head_dim, tile.scale * kLog2E, words);
    // Steps of a group of rows lie together: [groups, steps, kRowGroup].
    uint32_t* out =
        tile.prepared + (row / kRowGroup * steps * kRowGroup + row % kRowGroup) * Format::kWords;
    for (int step = 0; step < steps; ++step) {
      for (int word = 0; word < Format::kWords; ++word) {
        out[step * kRowGroup * Format::kWords + word] = words[step * Format::kWords + word];
      }
    }
  }
}

static inline Floats finish_scores(Floats sum, const AttentionTile&, const uint8_t*, int) {
  return sum;
}
static inline Floats finish_scores(Ints sum, const AttentionTile& tile, const uint8_t* page,
                                   int row) {
  const uint16_t* scales = reinterpret_cast<const uint16_t*>(page + tile.layout.scale_offset);
  return mul(to_floats(sum), mul(load_bfloat(scales), set1(tile.prepared_scale[row])));
}

// Scores of rows [row, row + kRows) for pages [page, page + kPages).
template <typename Format, int kRows, int kPages>
static inline void score_pages(const AttentionTile& tile, int row, int page, Scratch& scratch) {
  const int steps = tile.layout.head_dim / Format::kStep;
  const uint8_t* keys[kPages];
  QUIRE_UNROLL
  for (int i = 0; i < kPages; ++i) keys[i] = scratch.pages.at[page + i];
  typename Format::Sum sum[kPages][kRows];
  QUIRE_UNROLL
  for (int i = 0; i < kPages; ++i) {
    QUIRE_UNROLL
    for (int r = 0; r < kRows; ++r) sum[i][r] = Format::zero();
  }
  const uint32_t* query =
      tile.prepared + (row / kRowGroup * steps * kRowGroup + row % kRowGroup) * Format::kWords;
  for (int step = 0; step < steps; ++step, query += kRowGroup * Format::kWords) {
    QUIRE_UNROLL
    for (int i = 0; i < kPages; ++i) {
      const typename Format::Operand key = Format::load(keys[i] + step * Format::kStepBytes);
      QUIRE_UNROLL
      for (int r = 0; r < kRows; ++r) {
        Format::add_product(sum[i][r], key, query + r * Format::kWords);
      }
    }
  }
  QUIRE_UNROLL
  for (int i = 0; i < kPages; ++i) {
    QUIRE_UNROLL
    for (int r = 0; r < kRows; ++r) {
      store(scratch.score[row % kRowGroup + r] + (page + i) * kPageTokens,
            finish_scores(sum[i][r], tile, keys[i], row + r));
    }
  }
}

template <int kRows, int kPages, typename Format>
static inline void score(Format, const AttentionTile& tile, int row, int page, Scratch& scratch) {
  score_pages<Format, kRows, kPages>(tile, row, page, scratch);
}
// GCC 12 runs out of registers where it inlines three rows of these: 6 % of attention.
template <int kRows, int kPages>
__attribute__((noinline)) static void score(HalfFormat, const AttentionTile& tile, int row,
                                            int page, Scratch& scratch) {
  score_pages<HalfFormat, kRows, kPages>(tile, row, page, scratch);
}

// Vectors that are summed up for each of kRows rows at once.
template <int kRows>
constexpr int vectors_of() {
  return kRows * 4 <= kSums ? 4 : kRows * 2 <= kSums ? 2 : 1;
}

template <typename Format, int kRows>
static void scores(const AttentionTile& tile, int row, int page, int pages, Scratch& scratch) {
  constexpr int kPages = vectors_of<kRows>();
  for (; page + kPages <= pages; page += kPages) {
    score<kRows, kPages>(Format(), tile, row, page, scratch);
  }
  for (; page < pages; ++page) score<kRows, 1>(Format(), tile, row, page, scratch);
}

// Weights of 16 tokens from their scores less the largest.
static inline Floats weigh(HalfFormat, uint32_t* words, int at, Floats score) {
  const Floats e = exp2(score);
  store_words(words + at, e);
  return e;
}
static inline Floats weigh(BfloatFormat, uint32_t* words, int at, Floats score) {
  const Floats e = rough_exp2(score);
  BfloatFormat::store_row(words, at, e);
  return e;
}

// Sum of the weights of row `at` of a group, whose scores have -infinity for what it does not
// attend to.
template <typename Format>
static inline Floats weights_of(const AttentionTile&, Span span, int at, float m,
                                Scratch& scratch) {
  const float* score = scratch.score[at];
  uint32_t* words = scratch.weight[at];
  Floats total = set1(0);
  for (int i = span.from / kLanes * kLanes; i < span.to; i += kLanes) {
    total = add(total, weigh(Format(), words, i, sub(load(score + i), set1(m))));
  }
  return total;
}

// With the scale of each token's values in its weight.
template <>
inline Floats weights_of<ByteFormat>(const AttentionTile& tile, Span span, int at, float m,
                                     Scratch& scratch) {
  float* score = scratch.score[at];
  const int begin = span.from / kLanes * kLanes;
  Floats total = set1(0);
  Ints most = zero_ints();
  for (int i = begin; i < span.to; i += kLanes) {
    const uint8_t* scales = scratch.pages.at[i / kPageTokens] + tile.layout.scale_offset;
    const Floats e = rough_exp2(sub(load(score + i), set1(m)));
    total = add(total, e);
    Floats scale = load_bfloat(reinterpret_cast<const uint16_t*>(scales) + kPageTokens);
    if (i < span.from || i + kLanes > span.to) {  // Unused slots have any scale.
      float lanes[kLanes];
      store(lanes, scale);
      for (int lane = 0; lane < kLanes; ++lane) {
        if (i + lane < span.from || i + lane >= span.to) lanes[lane] = 0;
      }
      scale = load(lanes);
    }
    const Floats weight = mul(e, scale);
    store(score + i, weight);
    most = max_magnitude_bits(most, weight);
  }
  const int32_t bits = largest_int(most);
  float magnitude;
  memcpy(&magnitude, &bits, sizeof magnitude);
  const Floats inverse = set1(magnitude >= 1e-30f ? kQuantSteps / magnitude : 0);
  int16_t* quants = reinterpret_cast<int16_t*>(scratch.weight[at]);
  for (int i = begin; i < span.to; i += kLanes) {
    store_rounded(quants + i, mul(load(score + i), inverse));
  }
  scratch.weight_scale[at] = magnitude / kQuantSteps;
  return total;
}

// Scores of one row to weights over its tokens, of which there is at least one.
template <typename Format>
static void softmax(const AttentionTile& tile, Span span, int row, Scratch& scratch) {
  float* score = scratch.score[row % kRowGroup];
  const int begin = span.from / kLanes * kLanes;
  const int end = (span.to + kLanes - 1) / kLanes * kLanes;
  for (int i = begin; i < span.from; ++i) score[i] = -INFINITY;
  for (int i = span.to; i < end; ++i) score[i] = -INFINITY;
  Floats most = set1(-INFINITY);
  for (int i = begin; i < end; i += kLanes) most = max(most, load(score + i));
  const float m = largest(most);
  const Floats total = weights_of<Format>(tile, span, row % kRowGroup, m, scratch);
  tile.partial[row][0] = m;
  tile.partial[row][1] = sum(total);
}

// Adds steps [from, to) of the values times their weights to kVectors vectors, from `element` on,
// of kRows rows.
template <typename Format, int kRows, int kVectors>
static inline void add_values(const AttentionTile& tile, int row, int from, int to, int element,
                              const Scratch& scratch,
                              typename Format::Sum (&sum)[kRows][kVectors]) {
  constexpr int kPageSteps = kPageTokens / Format::kStep;
  const int64_t step_bytes = tile.layout.value_dim / kLanes * Format::kStepBytes;
  const int64_t offset = tile.layout.value_offset + element / kLanes * Format::kStepBytes;
  for (int step = from; step < to;) {
    const int page = step / kPageSteps;
    const int end = (page + 1) * kPageSteps < to ? (page + 1) * kPageSteps : to;
    const uint8_t* in = scratch.pages.at[page] + offset + step % kPageSteps * step_bytes;
    for (; step < end; ++step, in += step_bytes) {
      const uint32_t* weight = scratch.weight[row % kRowGroup] + step * Format::kWords;
      QUIRE_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const typename Format::Operand value = Format::load(in + v * Format::kStepBytes);
        QUIRE_UNROLL
        for (int r = 0; r < kRows; ++r) {
          Format::add_product(sum[r][v], value, weight + r * kChunkTokens);
        }
      }
    }
  }
}

// The same for one row, which attends to tokens `span` only: of the others nothing is read.
template <typename Format, int kVectors>
static inline void add_own_values(const AttentionTile& tile, int row, Span span, int from, int to,
                                  int element, const Scratch& scratch,
                                  typename Format::Sum (&sum)[kVectors]) {
  typename Format::Sum(&own)[1][kVectors] =
      reinterpret_cast<typename Format::Sum(&)[1][kVectors]>(sum);
  if constexpr (Format::kStep == 1) {
    add_values<Format, 1, kVectors>(tile, row, from, to, element, scratch, own);
  } else {
    constexpr int kPageSteps = kPageTokens / Format::kStep;
    for (int step = from; step < to; ++step) {
      const bool low = 2 * step >= span.from;
      const bool high = 2 * step + 1 < span.to;
      if (low && high) {
        add_values<Format, 1, kVectors>(tile, row, step, step + 1, element, scratch, own);
        continue;
      }
      const int64_t at = step % kPageSteps * (tile.layout.value_dim / kLanes) + element / kLanes;
      const uint8_t* in = scratch.pages.at[step / kPageSteps] + tile.layout.value_offset;
      QUIRE_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const typename Format::Operand value =
            Format::load_masked(in + (at + v) * Format::kStepBytes, low ? 0xFFFF : ~0xFFFF);
        Format::add_product(sum[v], value, scratch.weight[row % kRowGroup] + step * Format::kWords);
      }
    }
  }
}

static inline Floats finish_values(Floats sum, float) { return sum; }
static inline Floats finish_values(Ints sum, float scale) {
  return mul(to_floats(sum), set1(scale));
}

template <typename Format, int kRows, int kVectors>
static inline void value_vectors(const AttentionTile& tile, int row, const Span* spans, int element,
                                 const Scratch& scratch) {
  constexpr int kStep = Format::kStep;
  typename Format::Sum sum[kRows][kVectors];
  Span common = {0, kChunkTokens / kStep};  // steps that all rows attend to whole
  QUIRE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int from = (spans[r].from + kStep - 1) / kStep;
    const int to = spans[r].to / kStep;
    common.from = from > common.from ? from : common.from;
    common.to = to < common.to ? to : common.to;
    QUIRE_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Format::zero();
  }
  if (common.to < common.from) common.to = common.from;
  // Rows that begin earlier or reach further go alone there, in the order of tokens: what a row
  // does not attend to is not even multiplied by 0.
  QUIRE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int end = (spans[r].to + kStep - 1) / kStep;
    add_own_values<Format, kVectors>(tile, row + r, spans[r], spans[r].from / kStep,
                                     end < common.from ? end : common.from, element, scratch,
                                     sum[r]);
  }
  add_values<Format, kRows, kVectors>(tile, row, common.from, common.to, element, scratch, sum);
  QUIRE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    add_own_values<Format, kVectors>(tile, row + r, spans[r], common.to,
                                     (spans[r].to + kStep - 1) / kStep, element, scratch, sum[r]);
    const float scale = scratch.weight_scale[row % kRowGroup + r];
    QUIRE_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      store(tile.partial[row + r] + 2 + element + v * kLanes, finish_values(sum[r][v], scale));
    }
  }
}

template <typename Format, int kRows>
static void values(const AttentionTile& tile, int row, const Span* spans, const Scratch& scratch) {
  constexpr int kVectors = vectors_of<kRows>();
  int element = 0;
  for (; element + kVectors * kLanes <= tile.layout.value_dim; element += kVectors * kLanes) {
    value_vectors<Format, kRows, kVectors>(tile, row, spans, element, scratch);
  }
  for (; element < tile.layout.value_dim; element += kLanes) {
    value_vectors<Format, kRows, 1>(tile, row, spans, element, scratch);
  }
}

static inline int within_chunk(int position) {
  return position < 0 ? 0 : position > kChunkTokens ? kChunkTokens : position;
}

// Rows [row, row + kRows), which lie in one group.
template <typename Format, int kRows>
static void rows_of_chunk(const AttentionTile& tile, const Pages& pages, int row,
                          Scratch& scratch) {
  scratch.pages = pages;
  Span spans[kRows];
  Span all = {kChunkTokens, 0};
  QUIRE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int start = tile.chunk * kChunkTokens;
    const Span span = {within_chunk(tile.first[row + r] - start),
                       within_chunk(tile.limit[row + r] - start)};
    spans[r] = span;
    scratch.weight_scale[row % kRowGroup + r] = 0;
    if (span.from >= span.to) {
      spans[r] = {0, 0};
      tile.partial[row + r][0] = -INFINITY;
      tile.partial[row + r][1] = 0;
      continue;
    }
    all.from = span.from < all.from ? span.from : all.from;
    all.to = span.to > all.to ? span.to : all.to;
  }
  scores<Format, kRows>(tile, row, all.from / kPageTokens, (all.to + kPageTokens - 1) / kPageTokens,
                        scratch);
  QUIRE_UNROLL
  for (int r = 0; r < kRows; ++r) {
    if (spans[r].from < spans[r].to) softmax<Format>(tile, spans[r], row + r, scratch);
  }
  values<Format, kRows>(tile, row, spans, scratch);
}

template <typename Format>
static void chunk_of(const AttentionTile& tile, const Pages& pages) {
  Scratch scratch;
  int row = 0;
  for (; row + kRowGroup <= tile.rows; row += kRowGroup) {
    rows_of_chunk<Format, kRowGroup>(tile, pages, row, scratch);
  }
  if constexpr (kRowGroup > 8) {
    for (; row + 8 <= tile.rows; row += 8) rows_of_chunk<Format, 8>(tile, pages, row, scratch);
  }
  if constexpr (kRowGroup > 4) {
    for (; row + 4 <= tile.rows; row += 4) rows_of_chunk<Format, 4>(tile, pages, row, scratch);
  }
  switch (tile.rows - row) {
    case 3:
      return rows_of_chunk<Format, 3>(tile, pages, row, scratch);
    case 2:
      return rows_of_chunk<Format, 2>(tile, pages, row, scratch);
    case 1:
      return rows_of_chunk<Format, 1>(tile, pages, row, scratch);
  }
}

void attention_prepare(AttentionTile& tile) {
#ifdef QUIRE_CONTIGUOUS
  if (tile.block_table != nullptr) tile.pages += *tile.block_table * tile.layout.block_bytes;
  tile.block_table = nullptr;
#endif
  switch (tile.layout.type) {
    case QUIRE_CACHE_F16:
      return prepare<HalfFormat>(tile);
    case QUIRE_CACHE_BF16:
      return prepare<BfloatFormat>(tile);
    case QUIRE_CACHE_INT8:
      return prepare<ByteFormat>(tile);
  }
}

// Found once for all rows: to look into the table wherever pages are gone through made attention
// slower (docs/results/0006-price-of-paging.md).
//
// QUIRE_CONTIGUOUS is for the benchmark of what paging costs, never for the library: there, `pages`
// is the sequence's own first page (attention_prepare sees to it) and a block is followed by the
// next one, as in a cache without blocks.
static Pages find_pages(const AttentionTile& tile) {
  const int start = tile.chunk * kChunkTokens;
  int from = kChunkTokens;
  int to = 0;
  for (int row = 0; row < tile.rows; ++row) {
    const int first = within_chunk(tile.first[row] - start);
    const int limit = within_chunk(tile.limit[row] - start);
    if (first >= limit) continue;
    from = first < from ? first : from;
    to = limit > to ? limit : to;
  }
  Pages pages = {};
  for (int page = from / kPageTokens; page * kPageTokens < to; ++page) {
    const int64_t index = start / kPageTokens + page;
#ifdef QUIRE_CONTIGUOUS
    const int64_t block = index;
#else
    const int64_t block = tile.block_table[index];
#endif
    pages.at[page] = tile.pages + block * tile.layout.block_bytes;
  }
  return pages;
}

void attention_chunk(const AttentionTile& tile) {
  const Pages pages = find_pages(tile);
  switch (tile.layout.type) {
    case QUIRE_CACHE_F16:
      return chunk_of<HalfFormat>(tile, pages);
    case QUIRE_CACHE_BF16:
      return chunk_of<BfloatFormat>(tile, pages);
    case QUIRE_CACHE_INT8:
      return chunk_of<ByteFormat>(tile, pages);
  }
}

static void merge_row(float* running, const float* partial, float m, float keep, float take,
                      int32_t value_dim) {
  if (partial[1] == 0) return;  // The row attends to nothing there,
  if (running[1] == 0) {        // or did not before.
    memcpy(running, partial, static_cast<size_t>(2 + value_dim) * sizeof(float));
    return;
  }
  running[0] = m;
  running[1] = running[1] * keep + partial[1] * take;
  for (int i = 2; i < 2 + value_dim; i += kLanes) {
    store(running + i, add(mul(load(running + i), set1(keep)), mul(load(partial + i), set1(take))));
  }
}

void attention_merge(float* const* running, const float* const* partial, int32_t rows,
                     int32_t value_dim) {
  for (int32_t row = 0; row < rows; row += kLanes) {
    const int32_t count = rows - row < kLanes ? rows - row : kLanes;
    float former[kLanes] = {}, added[kLanes] = {}, most[kLanes], keep[kLanes], take[kLanes];
    for (int32_t r = 0; r < count; ++r) {
      former[r] = running[row + r][0];
      added[r] = partial[row + r][0];
    }
    const Floats m = max(load(former), load(added));
    store(most, m);
    store(keep, exp2(sub(load(former), m)));
    store(take, exp2(sub(load(added), m)));
    for (int32_t r = 0; r < count; ++r) {
      merge_row(running[row + r], partial[row + r], most[r], keep[r], take[r], value_dim);
    }
  }
}

void attention_finish(const float* running, int32_t head_dim, float* out) {
  const Floats total = set1(running[1]);
  for (int i = 0; i < head_dim; i += kLanes) {
    store_up_to(out + i, head_dim - i, div(load(running + 2 + i), total));
  }
}

}  // namespace quire::QUIRE_ISA
