// Preparing the input of a matmul: gather, RMS norm, quantise; parallel over tokens.
#include "project.h"

#include "weight_layout.h"

namespace quire {

void prepare(const quire_context& context, const Input& input, bool quantised, int64_t begin,
             int64_t end, ActivationScratch& scratch) {
  const KernelTable& kernels = *context.kernels;
  const int64_t cols = input.cols;
  for (int64_t i = begin; i < end; ++i) {
    const float* row = input.in + (input.index == nullptr ? i : input.index[i]) * cols;
    if (input.norm != nullptr) {
      float* normed = scratch.values.get() + i * cols;
      kernels.rms_norm(row, input.norm, context.config.norm_epsilon, cols, normed);
      row = normed;
    }
    if (quantised) {
      kernels.quantise(row, cols, scratch.quants.get() + i * cols,
                       scratch.blocks.get() + i * (cols / kQuantElements));
    }
  }
}

Activations view(const Input& input, const ActivationScratch& scratch) {
  const float* values = input.norm != nullptr ? scratch.values.get() : input.in;
  return {values, input.cols, scratch.quants.get(), scratch.blocks.get()};
}

bool any_quantised(const Weight* const* weights, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (is_quantised(weights[i]->type)) return true;
  }
  return false;
}

}  // namespace quire
