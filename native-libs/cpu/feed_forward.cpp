// h = activation(gate * n + bias, up * n + bias), n = norm(x); parallel over row tiles, each thread
// activating the rows that it computed.
#include "fused.h"
#include "project.h"
#include "weight_layout.h"

namespace quire {

void activate(const KernelTable& kernels, int32_t activation, int64_t count, const float* gate,
              const float* up, float* out) {
  switch (activation) {
    case QUIRE_GATED_SILU:
      return kernels.silu_mul(gate, up, count, out);
    case QUIRE_GATED_GELU:
      return kernels.gelu_mul(gate, up, count, out);
    default:
      return kernels.gelu(up, count, out);
  }
}

void feed_forward_gate(quire_context& context, int32_t layer) {
  const LayerWeights& weights = context.bound.layers[static_cast<size_t>(layer)];
  const int32_t activation = context.config.activation;
  const bool gated = activation != QUIRE_GELU;
  const bool quantised =
      is_quantised(weights.up.weight.type) || (gated && is_quantised(weights.gate.weight.type));
  const int64_t tokens = context.plan->tokens;
  const int64_t width = context.config.feed_forward;
  const Input input = {context.x.get(), context.config.embedding, nullptr,
                       weights.feed_forward_norm};
  project(context, input, quantised, tokens, row_tiles(width),
          [&](const Activations& in, Range tiles) {
            const Range rows = tile_rows(weights.up.weight, tiles);
            float* hidden = context.gate.get();
            float* up = gated ? context.up.get() : hidden;
            if (gated) multiply(context, weights.gate, in, tokens, tiles, hidden);
            multiply(context, weights.up, in, tokens, tiles, up);
            for (int64_t token = 0; rows.begin < rows.end && token < tokens; ++token) {
              const int64_t first = token * width + rows.begin;
              activate(*context.kernels, activation, rows.end - rows.begin, hidden + first,
                       up + first, hidden + first);
            }
          });
}

}  // namespace quire
