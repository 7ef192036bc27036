// x = embedding[token] * scale + position embedding[position], and the rotations of the positions.
// Parallel over tokens.
#include "fused.h"
#include "project.h"
#include "rotation.h"

namespace quire {

static void embed_token(quire_context& context, int64_t token) {
  const KernelTable& kernels = *context.kernels;
  const int64_t width = context.config.embedding;
  const int32_t position = context.plan->position[token];
  float* x = context.x.get() + token * width;
  kernels.embed_row(context.bound.embedding, context.plan->token[token], x);
  if (context.config.embedding_scale != 1) kernels.scale(context.config.embedding_scale, width, x);
  if (context.bound.position_embedding.packed != nullptr) {
    float* added = context.projected.get() + token * width;
    kernels.embed_row(context.bound.position_embedding, position, added);
    kernels.add(added, width, x);
  }
  for (Rope& rope : context.ropes) set_rotation(rope, token, position);
}

void embed(quire_context& context) {
  const int64_t tokens = context.plan->tokens;
  const auto work = [&](Range range) {
    for (int64_t token = range.begin; token < range.end; ++token) embed_token(context, token);
  };
  if (tokens <= kRedundantTokens) {
    work({0, tokens});
  } else {
    in_parallel(context, tokens, 1, work);
  }
}

}  // namespace quire
