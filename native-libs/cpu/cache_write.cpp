// New keys and values of one token into its cache slot.
//
//   data  [kv_heads, head_dim] float32; elements [begin, end) are written
//   key page    float16  [head_dim, 16 tokens]
//               bfloat16 [head_dim / 2, 16 tokens, 2 neighbouring dimensions]; int8 the same
//   value page  float16  [16 tokens, value_dim]
//               bfloat16 [8, value_dim, 2 neighbouring tokens]; int8 the same
//   scales      int8     [keys and values, 16 tokens] bfloat16
//
// Rounded to the nearest even. float16: magnitudes above 65,504 become that. bfloat16: those below
// 2^-56 become 0 (attention_formats.h says why). int8: element = scale * byte, with the largest
// magnitude of a token's head at 127 or just below; the scale is rounded up, so that it fits. A
// head with an infinity or a NaN gets such a scale.
//
// Parallel over element ranges, by the caller: elements lie in different places whatever the split;
// whole heads for int8.
#include "attention_formats.h"

namespace quire::QUIRE_ISA {

// Calls write(head, element of it, index) for elements [first, first + count) of the heads.
template <typename Write>
static inline void each_element(int64_t first, int64_t count, int32_t head_dim, Write write) {
  int64_t head = first / head_dim;
  int64_t within = first % head_dim;
  for (int64_t i = 0; i < count; ++i) {
    write(head, within, i);
    if (++within == head_dim) {
      within = 0;
      ++head;
    }
  }
}

// Places [head][element] of a slot: 16-bit elements at head_bytes * head + at(element).
template <typename At>
static void write_halves(const CacheLayout& layout, const float* data, int64_t begin, int64_t end,
                         uint8_t* page, At at) {
  const bool bfloat = layout.type == QUIRE_CACHE_BF16;
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t count = end - i < kLanes ? end - i : kLanes;
    const Floats in = load_up_to(data + i, count, 0);
    uint16_t halves[kLanes];
    if (bfloat) {
      store_bfloat(halves, flush_tiny(in));
    } else {
      store_half(halves, min(set1(65504), max(set1(-65504), in)));
    }
    each_element(i, count, layout.head_dim, [&](int64_t head, int64_t element, int64_t index) {
      memcpy(page + head * layout.head_bytes + at(element), halves + index, 2);
    });
  }
}

// bfloat16 not below a positive `value`; infinity and NaN stay such.
static uint16_t bfloat_above(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (bits > 0x7F800000u) return 0x7FC0;
  return static_cast<uint16_t>((bits + 0xFFFFu) >> 16);
}

template <typename At>
static void write_bytes(const CacheLayout& layout, const float* data, int64_t begin, int64_t end,
                        uint8_t* page, int64_t scale_offset, At at) {
  const int32_t head_dim = layout.head_dim;
  for (int64_t head = begin / head_dim; head < end / head_dim; ++head) {
    const float* in = data + head * head_dim;
    uint8_t* out = page + head * layout.head_bytes;
    const uint16_t half = bfloat_above(largest_magnitude(in, head_dim) / 127);
    memcpy(out + scale_offset, &half, sizeof half);
    const uint32_t bits = uint32_t{half} << 16;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    const Floats inverse = set1(scale >= 1e-30f ? 1 / scale : 0);
    for (int32_t i = 0; i < head_dim; i += kLanes) {
      int16_t quants[kLanes];
      store_rounded(quants, mul(load_up_to(in + i, head_dim - i, 0), inverse));
      for (int32_t element = i; element < head_dim && element < i + kLanes; ++element) {
        out[at(element)] = static_cast<uint8_t>(quants[element - i]);
      }
    }
  }
}

void cache_write_key(const CacheLayout& layout, const float* data, int64_t begin, int64_t end,
                     uint8_t* layer, int64_t slot) {
  uint8_t* page = layer + slot / kPageTokens * layout.block_bytes;
  const int64_t token = slot % kPageTokens;
  const auto in_pairs = [=](int64_t element) {
    return element / 2 * (2 * kPageTokens) + 2 * token + element % 2;
  };
  switch (layout.type) {
    case QUIRE_CACHE_F16:
      return write_halves(layout, data, begin, end, page,
                          [=](int64_t element) { return 2 * (element * kPageTokens + token); });
    case QUIRE_CACHE_BF16:
      return write_halves(layout, data, begin, end, page,
                          [=](int64_t element) { return 2 * in_pairs(element); });
    case QUIRE_CACHE_INT8:
      return write_bytes(layout, data, begin, end, page, layout.scale_offset + 2 * token, in_pairs);
  }
}

void cache_write_value(const CacheLayout& layout, const float* data, int64_t begin, int64_t end,
                       uint8_t* layer, int64_t slot) {
  uint8_t* page = layer + slot / kPageTokens * layout.block_bytes;
  const int64_t token = slot % kPageTokens;
  const int64_t offset = layout.value_offset;
  const int64_t value_dim = layout.value_dim;
  const auto in_pairs = [=](int64_t element) {
    return token / 2 * (2 * value_dim) + 2 * element + token % 2;
  };
  switch (layout.type) {
    case QUIRE_CACHE_F16:
      return write_halves(layout, data, begin, end, page, [=](int64_t element) {
        return offset + 2 * (token * value_dim + element);
      });
    case QUIRE_CACHE_BF16:
      return write_halves(layout, data, begin, end, page,
                          [=](int64_t element) { return offset + 2 * in_pairs(element); });
    case QUIRE_CACHE_INT8:
      return write_bytes(layout, data, begin, end, page,
                         layout.scale_offset + 2 * (kPageTokens + token),
                         [=](int64_t element) { return offset + in_pairs(element); });
  }
}

}  // namespace quire::QUIRE_ISA
