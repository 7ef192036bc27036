// Preparing the input of a matmul (gather, norm, quantise; parallel over tokens) and adding what
// belongs to its result.
#include "project.h"

#include "norm.h"
#include "weight_layout.h"

namespace quire {

static QuantisedRows rows_of(const ActivationScratch& scratch) {
  return {scratch.quants.get(), scratch.blocks.get(), scratch.outliers.get()};
}

void prepare(const quire_context& context, const Input& input, bool quantised, int64_t tokens,
             Range part, ActivationScratch& scratch) {
  const KernelTable& kernels = *context.kernels;
  const int64_t cols = input.cols;
  for (int64_t i = part.begin; i < part.end; ++i) {
    const float* row = input.in + (input.index == nullptr ? i : input.index[i]) * cols;
    if (input.norm.weight != nullptr) {
      float* normed = scratch.values.get() + i * cols;
      normalise(context, input.norm, row, normed);
      row = normed;
    }
    if (quantised) {
      kernels.quantise(row, cols, i, tokens, rows_of(scratch));
    }
  }
}

Activations view(const quire_context& context, const Input& input, const ActivationScratch& scratch,
                 int32_t worker) {
  const float* values = input.norm.weight != nullptr ? scratch.values.get() : input.in;
  return {values, input.cols, rows_of(scratch),
          context.own[static_cast<size_t>(worker)].panel.get()};
}

void multiply(const quire_context& context, const Projection& projection, const Activations& in,
              int64_t tokens, Range tiles, float* out) {
  const Weight& weight = projection.weight;
  context.kernels->matmul(weight, in, tokens, tiles.begin, tiles.end, {out, weight.rows, false});
  if (projection.bias == nullptr) return;
  const Range rows = tile_rows(weight, tiles);
  for (int64_t token = 0; rows.begin < rows.end && token < tokens; ++token) {
    context.kernels->add(projection.bias + rows.begin, rows.end - rows.begin,
                         out + token * weight.rows + rows.begin);
  }
}

void add_product(const quire_context& context, const Weight& weight, const Activations& in,
                 int64_t tokens, Range tiles, float* out) {
  context.kernels->matmul(weight, in, tokens, tiles.begin, tiles.end, {out, weight.rows, true});
}

}  // namespace quire
