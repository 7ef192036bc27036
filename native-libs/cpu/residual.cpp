// x += norm(projection * in + bias). Parallel over row tiles; where the sum's right side is
// normalised, that takes whole rows and so a second loop over tokens.
#include "fused.h"
#include "norm.h"
#include "project.h"
#include "weight_layout.h"

namespace quire {

static void add_normalised(quire_context& context, const NormWeights& norm) {
  const int64_t tokens = context.plan->tokens;
  const int64_t width = context.config.embedding;
  const auto work = [&](Range range) {
    for (int64_t token = range.begin; token < range.end; ++token) {
      float* row = context.projected.get() + token * width;
      normalise(context, norm, row, row);
      context.kernels->add(row, width, context.x.get() + token * width);
    }
  };
  if (tokens <= kRedundantTokens) {
    work({0, tokens});
  } else {
    in_parallel(context, tokens, 1, work);
  }
}

void add_to_residual(quire_context& context, const Projection& projection, const NormWeights& norm,
                     const float* in) {
  const int64_t tokens = context.plan->tokens;
  const int64_t width = context.config.embedding;
  const Weight& weight = projection.weight;
  const Input input = {in, weight.cols, nullptr, {}};
  const bool plain = projection.bias == nullptr && norm.weight == nullptr;
  project(context, input, is_quantised(weight.type), tokens, row_tiles(width),
          [&](const Activations& activations, Range tiles) {
            if (plain)
              return add_product(context, weight, activations, tokens, tiles, context.x.get());
            const Range rows = tile_rows(weight, tiles);
            float* projected = context.projected.get();
            multiply(context, projection, activations, tokens, tiles, projected);
            if (norm.weight != nullptr) return;
            for (int64_t token = 0; rows.begin < rows.end && token < tokens; ++token) {
              const int64_t first = token * width + rows.begin;
              context.kernels->add(projected + first, rows.end - rows.begin,
                                   context.x.get() + first);
            }
          });
  if (norm.weight != nullptr) add_normalised(context, norm);
}

}  // namespace quire
