// Blocks to the swap space and back: on a CPU, two places in the same memory and a copy that is done at once.
#include <cstring>

#include "context.h"
#include "status.h"

using quire::fail;

QUIRE_EXPORT int32_t quire_swap_open(quire_context* context, int64_t slots, void* memory) {
  if (context == nullptr || memory == nullptr || reinterpret_cast<uintptr_t>(memory) % 64 != 0 ||
      slots <= 0 || slots > INT32_MAX || context->cache == nullptr) {
    return fail(QUIRE_INVALID_ARG,
                "slots must be positive and memory 64-byte aligned, after the cache: slots=%lld, "
                "memory=%p",
                static_cast<long long>(slots), memory);
  }
  context->swap = static_cast<uint8_t*>(memory);
  context->slots = slots;
  return QUIRE_OK;
}

namespace {

// Copies whole blocks between pool and swap space; a slot has its layers one behind the other.
int32_t copy(quire_context* context, int32_t count, const int32_t* block, const int32_t* slot,
             int64_t* ticket, bool out) {
  if (context == nullptr || context->swap == nullptr || count < 0 || ticket == nullptr ||
      (count > 0 && (block == nullptr || slot == nullptr))) {
    return fail(QUIRE_INVALID_ARG, "swap must be open and count not negative: count=%d", count);
  }
  for (int32_t i = 0; i < count; ++i) {
    if (block[i] < 0 || block[i] >= context->blocks || slot[i] < 0 || slot[i] >= context->slots) {
      return fail(QUIRE_INVALID_ARG,
                  "block and slot must exist: block=%d, slot=%d, blocks=%lld, slots=%lld", block[i],
                  slot[i], static_cast<long long>(context->blocks),
                  static_cast<long long>(context->slots));
    }
  }
  const int64_t bytes = context->layout.block_bytes;
  const int32_t layers = context->config.layers;
  for (int32_t i = 0; i < count; ++i) {
    for (int32_t layer = 0; layer < layers; ++layer) {
      uint8_t* pooled = context->cache + layer * context->layer_bytes + block[i] * bytes;
      uint8_t* kept = context->swap + (static_cast<int64_t>(slot[i]) * layers + layer) * bytes;
      memcpy(out ? kept : pooled, out ? pooled : kept, static_cast<size_t>(bytes));
    }
  }
  *ticket = 0;
  return QUIRE_OK;
}

}  // namespace

QUIRE_EXPORT int32_t quire_swap_out(quire_context* context, int32_t count, const int32_t* block,
                                    const int32_t* slot, int64_t* ticket) {
  return copy(context, count, block, slot, ticket, true);
}

QUIRE_EXPORT int32_t quire_swap_in(quire_context* context, int32_t count, const int32_t* slot,
                                   const int32_t* block, int64_t* ticket) {
  return copy(context, count, block, slot, ticket, false);
}

QUIRE_EXPORT int32_t quire_swap_done(quire_context* /*context*/, int64_t /*ticket*/) { return 1; }
