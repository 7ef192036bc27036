// Matrix products of a step: preparing their input and running them over the worker threads.
#ifndef QUIRE_CPU_PROJECT_H
#define QUIRE_CPU_PROJECT_H

#include "context.h"

namespace quire {

struct Range {
  int64_t begin, end;
};

// Row tiles [begin, end) of a product, as rows.
inline Range tile_rows(const Weight& weight, Range tiles) {
  const int64_t end = tiles.end * kLanes;
  return {tiles.begin * kLanes, end < weight.rows ? end : weight.rows};
}

// Calls work(range) for parts of 0 ... count - 1 until there are none left; every worker of a job
// does so. The parts are even and several to a worker, so that none waits long for the slowest.
template <typename Work>
void draw_parts(quire_context& context, int64_t count, int64_t parts, const Work& work) {
  for (int64_t part; (part = context.next_item.fetch_add(1)) < parts;) {
    work(Range{count * part / parts, count * (part + 1) / parts});
  }
}

inline int64_t parts_of(const quire_context& context, int64_t count, int64_t least) {
  const int64_t threads = context.pool->threads();
  const int64_t most = count / least > 1 ? count / least : 1;
  return threads == 1 ? 1 : most < 8 * threads ? most : 8 * threads;
}

// work(range) over all of 0 ... count - 1 on all workers, at least about `least` at a time.
template <typename Work>
void in_parallel(quire_context& context, int64_t count, int64_t least, const Work& work) {
  const int64_t parts = parts_of(context, count, least);
  context.next_item.store(0, std::memory_order_relaxed);
  context.pool->run([&](int32_t) { draw_parts(context, count, parts, work); });
}

// Where a matmul's input comes from: row i is rows[index[i]] (index absent: row i) of `in`,
// normalised first where `norm` has a weight.
struct Input {
  const float* in;
  int64_t cols;
  const int32_t* index;
  NormWeights norm;
};

// Normalises and quantises rows `part` of the `tokens` rows of `input` into `scratch`.
void prepare(const quire_context& context, const Input& input, bool quantised, int64_t tokens,
             Range part, ActivationScratch& scratch);

// The prepared rows in `scratch`, for the products of one worker.
Activations view(const quire_context& context, const Input& input, const ActivationScratch& scratch,
                 int32_t worker);

// out[token, rows] = projection * in + bias for row tiles `tiles`; out_stride is the weight's rows.
void multiply(const quire_context& context, const Projection& projection, const Activations& in,
              int64_t tokens, Range tiles, float* out);

// out[token, rows] += weight * in.
void add_product(const quire_context& context, const Weight& weight, const Activations& in,
                 int64_t tokens, Range tiles, float* out);

// Prepares `tokens` rows of input, then calls work(activations, range) for ranges of `tiles` row
// tiles. For few tokens each worker prepares all of them itself; else the workers share them and
// meet once more.
template <typename Work>
void project(quire_context& context, const Input& input, bool quantised, int64_t tokens,
             int64_t tiles, const Work& work) {
  if (tokens == 0) return;
  constexpr int64_t kLeastTiles = 4;  // What a product of floats takes at once (matmul.cpp).
  const bool redundant = tokens <= kRedundantTokens;
  if (!redundant) {
    // By parts of the quantised rows: a part's rows lie in the same cache lines.
    const KernelTable& kernels = *context.kernels;
    in_parallel(context, kernels.parts_of(tokens), 1, [&](Range parts) {
      const Range rows = {kernels.part_start(parts.begin, tokens),
                          kernels.part_start(parts.end, tokens)};
      prepare(context, input, quantised, tokens, rows, context.shared);
    });
  }
  const int64_t parts = parts_of(context, tiles, kLeastTiles);
  context.next_item.store(0, std::memory_order_relaxed);
  context.pool->run([&](int32_t worker) {
    if (context.next_item.load(std::memory_order_relaxed) >= parts) return;
    ActivationScratch& own = context.own[static_cast<size_t>(worker)];
    if (redundant) prepare(context, input, quantised, tokens, {0, tokens}, own);
    const Activations in = view(context, input, redundant ? own : context.shared, worker);
    draw_parts(context, tiles, parts, [&](Range part) { work(in, part); });
  });
}

}  // namespace quire

#endif  // QUIRE_CPU_PROJECT_H
