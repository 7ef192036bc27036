// New keys and values of one token into its cache slot, as float16 rounded to the nearest even.
//
//   data   [kv_heads, head_dim] float32; elements [begin, end) are written
//   pages  of block 0; head h's page is head_stride elements after head h - 1's, a block's pages
//          block_stride after the previous block's
//   key page [head_dim, 16 tokens]; value page [16 tokens, value_dim]
//
// Parallel over element ranges, by the caller: elements lie in different places whatever the split.
#include "half.h"
#include "simd.h"

namespace quire::QUIRE_ISA {

// Calls write(element, halves, count) for runs of up to 16 elements.
template <typename Write>
static inline void in_halves(const float* data, int64_t begin, int64_t end, Write write) {
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t count = end - i < kLanes ? end - i : kLanes;
    uint16_t halves[kLanes];
    store_half(halves, load_up_to(data + i, count, 0));
    write(i, halves, count);
  }
}

void cache_write_key(const float* data, int64_t begin, int64_t end, int32_t head_dim,
                     uint16_t* pages, int64_t head_stride, int64_t block_stride, int64_t slot) {
  uint16_t* page = pages + slot / kPageTokens * block_stride + slot % kPageTokens;
  in_halves(data, begin, end, [=](int64_t first, const uint16_t* halves, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t head = (first + i) / head_dim;
      const int64_t within = (first + i) % head_dim;
      page[head * head_stride + within * kPageTokens] = halves[i];
    }
  });
}

void cache_write_value(const float* data, int64_t begin, int64_t end, int32_t head_dim,
                       int32_t value_dim, uint16_t* pages, int64_t head_stride,
                       int64_t block_stride, int64_t slot) {
  uint16_t* page = pages + slot / kPageTokens * block_stride + slot % kPageTokens * value_dim;
  in_halves(data, begin, end, [=](int64_t first, const uint16_t* halves, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t head = (first + i) / head_dim;
      page[head * head_stride + (first + i) % head_dim] = halves[i];
    }
  });
}

}  // namespace quire::QUIRE_ISA
