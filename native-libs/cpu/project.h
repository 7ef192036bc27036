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

// Normalises and quantises rows [begin, end) of `input` into `scratch`, for these weights.
void prepare(const quire_context& context, const Input& input, bool quantised, int64_t begin,
             int64_t end, ActivationScratch& scratch);

Activations view(const Input& input, const ActivationScratch& scratch);

// out[token, rows] = projection * in + bias for row tiles `tiles`; out_stride is the weight's rows.
void multiply(const quire_context& context, const Projection& projection, const Activations& in,
              int64_t tokens, Range tiles, float* out);

// Prepares `tokens` rows of input, then calls work(activations, range) for ranges of `tiles` row
// tiles. For few tokens each worker prepares all of them itself; else the workers share them and
// meet once more.
template <typename Work>
void project(quire_context& context, const Input& input, bool quantised, int64_t tokens,
             int64_t tiles, const Work& work) {
  if (tokens == 0) return;
  constexpr int64_t kLeastTiles = 4;  // What a product of floats takes at once (matmul.cpp).
  if (tokens > kRedundantTokens) {
    in_parallel(context, tokens, 1, [&](Range part) {
      prepare(context, input, quantised, part.begin, part.end, context.shared);
    });
    const Activations in = view(input, context.shared);
    in_parallel(context, tiles, kLeastTiles, [&](Range part) { work(in, part); });
    return;
  }
  context.parts->reset();
  context.pool->run([&](int32_t worker) {
    if (!context.parts->any_left(tiles, kLeastTiles)) return;
    ActivationScratch& own = context.own[static_cast<size_t>(worker)];
    prepare(context, input, quantised, 0, tokens, own);
    const Activations in = view(input, own);
    context.parts->draw(worker, tiles, kLeastTiles, [&](Range part) { work(in, part); });
  });
}

}  // namespace quire

#endif  // QUIRE_CPU_PROJECT_H
