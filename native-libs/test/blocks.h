// GGUF's blocks for the native tests: random ones, and the weight of each element, told from the
// block's bytes one element at a time and in double precision, unlike cpu/gguf_blocks.cpp.
#ifndef QUIRE_TEST_BLOCKS_H
#define QUIRE_TEST_BLOCKS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "../cpu/half.h"
#include "../include/quire_kernels.h"

namespace blocks {

constexpr int32_t kTypes[] = {QUIRE_F32,  QUIRE_F16,  QUIRE_BF16, QUIRE_Q4_0,   QUIRE_Q4_1,
                              QUIRE_Q5_0, QUIRE_Q5_1, QUIRE_Q8_0, QUIRE_Q2_K,   QUIRE_Q3_K,
                              QUIRE_Q4_K, QUIRE_Q5_K, QUIRE_Q6_K, QUIRE_IQ4_NL, QUIRE_MXFP4};

inline bool is_float(int32_t type) {
  return type == QUIRE_F32 || type == QUIRE_F16 || type == QUIRE_BF16;
}

// Elements and bytes of a block; where its f16 scale and minimum lie (-1: nowhere), and factors so
// that scale = size * weight / scale_divisor makes weights of about `weight` around zero, the
// minimum being minimum_factor times the scale.
struct Block {
  int32_t type, elements, bytes, scale, minimum;
  float divisor, minimum_factor;
};

inline Block block_of(int32_t type) {
  for (const Block& block : {Block{QUIRE_F32, 1, 4, -1, -1, 1, 0},
                             {QUIRE_F16, 1, 2, 0, -1, 1, 0},
                             {QUIRE_BF16, 1, 2, -1, -1, 1, 0},
                             {QUIRE_Q4_0, 32, 18, 0, -1, 8, 0},
                             {QUIRE_Q4_1, 32, 20, 0, 2, 8, -7.5f},
                             {QUIRE_Q5_0, 32, 22, 0, -1, 16, 0},
                             {QUIRE_Q5_1, 32, 24, 0, 2, 16, -15.5f},
                             {QUIRE_Q8_0, 32, 34, 0, -1, 128, 0},
                             {QUIRE_Q2_K, 256, 84, 80, 82, 16, 1.5f},
                             {QUIRE_Q3_K, 256, 110, 108, -1, 64, 0},
                             {QUIRE_Q4_K, 256, 144, 0, 2, 256, 7.5f},
                             {QUIRE_Q5_K, 256, 176, 0, 2, 512, 15.5f},
                             {QUIRE_Q6_K, 256, 210, 208, -1, 2048, 0},
                             {QUIRE_IQ4_NL, 32, 18, 0, -1, 128, 0},
                             {QUIRE_MXFP4, 32, 17, -1, -1, 12, 0}}) {
    if (block.type == type) return block;
  }
  return {};
}

inline void put_half(uint8_t* out, uint16_t half) { memcpy(out, &half, 2); }

inline double half_at(const uint8_t* in) {
  uint16_t half;
  memcpy(&half, in, 2);
  return half_to_float(half);
}

// Fills a block with random bytes (in `block`) and scales for weights of about `weight`, which is
// random too.
inline void set_scales(int32_t type, float weight, uint8_t* block) {
  const Block b = block_of(type);
  if (type == QUIRE_F32) {
    memcpy(block, &weight, 4);
  } else if (type == QUIRE_BF16) {
    memcpy(block, reinterpret_cast<const uint8_t*>(&weight) + 2, 2);
  } else if (type == QUIRE_MXFP4) {
    block[0] = static_cast<uint8_t>(128 + ilogbf(weight / b.divisor));
  } else {
    const float scale = weight / b.divisor;
    put_half(block + b.scale, float_to_half(scale));
    if (b.minimum >= 0) {
      put_half(block + b.minimum, float_to_half(scale * b.minimum_factor));
    }
  }
}

inline int nibble(const uint8_t* in, int i, int run) {
  return in[i / (2 * run) * run + i % run] >> (i / run % 2 * 4) & 15;
}
inline int two_bits(const uint8_t* in, int i) {
  return in[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}
inline int fifth_bit(const uint8_t* in, int i) { return (in[i / 8] >> (i % 8) & 1) << 4; }

inline int six_bits(const uint8_t* in, int group, int which) {
  return group < 4 ? in[4 * which + group] & 63
                   : (in[4 + group] >> (4 * which) & 15) | in[4 * which + group - 4] >> 6 << 4;
}

inline double k_element(const uint8_t* in, int i, int high) {
  int quant = nibble(in + 16 + high, i, 32);
  if (high > 0) quant |= (in[16 + i % 32] >> (i / 32) & 1) << 4;
  return half_at(in) * six_bits(in + 4, i / 32, 0) * quant -
         half_at(in + 2) * six_bits(in + 4, i / 32, 1);
}

inline double q3_k_element(const uint8_t* in, int i) {
  const int group = i / 16;
  const int low = in[96 + group % 8] >> (group / 8 * 4) & 15;
  const int high = in[104 + group % 4] >> (group / 4 * 2) & 3;
  const int quant = two_bits(in + 32, i) - ((in[i % 32] >> (i / 32) & 1) != 0 ? 0 : 4);
  return half_at(in + 108) * (low + 16 * high - 32) * quant;
}

// The weight of element i of a block.
inline double element(int32_t type, const uint8_t* in, int i) {
  static const int kIq4[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
  static const int kTwiceE2m1[] = {0, 1, 2, 3, 4, 6, 8, 12};
  switch (type) {
    case QUIRE_F32: {
      float value;
      memcpy(&value, in, 4);
      return value;
    }
    case QUIRE_F16:
      return half_at(in);
    case QUIRE_BF16: {
      uint8_t bytes[4] = {0, 0, in[0], in[1]};
      float value;
      memcpy(&value, bytes, 4);
      return value;
    }
    case QUIRE_Q4_0:
      return half_at(in) * (nibble(in + 2, i, 16) - 8);
    case QUIRE_Q4_1:
      return half_at(in) * nibble(in + 4, i, 16) + half_at(in + 2);
    case QUIRE_Q5_0:
      return half_at(in) * ((nibble(in + 6, i, 16) | fifth_bit(in + 2, i)) - 16);
    case QUIRE_Q5_1:
      return half_at(in) * (nibble(in + 8, i, 16) | fifth_bit(in + 4, i)) + half_at(in + 2);
    case QUIRE_Q8_0:
      return half_at(in) * static_cast<int8_t>(in[2 + i]);
    case QUIRE_Q2_K:
      return half_at(in + 80) * (in[i / 16] & 15) * two_bits(in + 16, i) -
             half_at(in + 82) * (in[i / 16] >> 4);
    case QUIRE_Q3_K:
      return q3_k_element(in, i);
    case QUIRE_Q4_K:
      return k_element(in, i, 0);
    case QUIRE_Q5_K:
      return k_element(in, i, 32);
    case QUIRE_Q6_K:
      return half_at(in + 208) * static_cast<int8_t>(in[192 + i / 16]) *
             ((nibble(in, i, 64) | two_bits(in + 128, i) << 4) - 32);
    case QUIRE_IQ4_NL:
      return half_at(in) * kIq4[nibble(in + 2, i, 16)];
    default: {
      const int quant = nibble(in + 1, i, 16);
      return ldexp(quant < 8 ? kTwiceE2m1[quant] : -kTwiceE2m1[quant - 8], in[0] - 128);
    }
  }
}

}  // namespace blocks

#endif  // QUIRE_TEST_BLOCKS_H
