// Matrix products of a step: preparing their input and running them over the worker threads.
#ifndef QUIRE_CPU_PROJECT_H
#define QUIRE_CPU_PROJECT_H

#include "context.h"

namespace quire {

// Row tiles [begin, end) of a product, as rows.
inline Range tile_rows(const Weight& weight, Range tiles) {
  const int64_t end = tiles.end * kLanes;
  return {tiles.begin * kLanes, end < weight.rows ? end : weight.rows};
}

// work(range) over all of 0 ... count - 1 on all workers, a multiple of `least` at a time.
template <typename Work>
void in_parallel(quire_context& context, int64_t count, int64_t least, const Work& work) {
  context.parts->reset();
  context.pool->run([&](int32_t worker) { context.parts->draw(worker, count, least, work); });
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
  const int64_t least = quantised ? 2 : 4;  // a product of floats takes 4 tiles at once
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
  context.parts->reset();
  context.pool->run([&](int32_t worker) {
    if (!context.parts->any_left(tiles, least)) return;
    ActivationScratch& own = context.own[static_cast<size_t>(worker)];
    if (redundant) prepare(context, input, quantised, tokens, {0, tokens}, own);
    const Activations in = view(context, input, redundant ? own : context.shared, worker);
    context.parts->draw(worker, tiles, least, [&](Range part) { work(in, part); });
  });
}

}  // namespace quire

#endif  // QUIRE_CPU_PROJECT_H
