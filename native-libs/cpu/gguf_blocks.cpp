// GGUF's blocks, byte by byte (dev.quire.tensor.TensorType describes them). Runs once, at load.
#include "gguf_blocks.h"

#include <string.h>

#include "../include/quire_kernels.h"

namespace quire {

static uint16_t half_at(const uint8_t* in) {
  uint16_t half;
  memcpy(&half, in, 2);
  return half;
}

// `bits` low bits of each of `run` bytes are elements 0 ... run - 1, the next higher ones the
// following `run` elements, and so on; then the next `run` bytes. Adds them, shifted, to the codes.
static void add_bits(const uint8_t* in, int bytes, int run, int bits, int shift, uint8_t* code) {
  const int mask = (1 << bits) - 1;
  for (int first = 0; first < bytes; first += run) {
    for (int at = 0; at < 8; at += bits) {
      for (int i = 0; i < run; ++i) {
        *code++ |= static_cast<uint8_t>((in[first + i] >> at & mask) << shift);
      }
    }
  }
}

// A fifth bit of 32 elements, element i's in bit i.
static void add_fifth_bits(const uint8_t* in, uint8_t* code) {
  for (int i = 0; i < 32; ++i) code[i] |= static_cast<uint8_t>((in[i / 8] >> (i % 8) & 1) << 4);
}

// Six bits each of eight factors of the scale and of the minimum, in 12 bytes: the first four of
// each are the low six bits of bytes 0 ... 3 and 4 ... 7; the others have their low four bits in
// bytes 8 ... 11 (the scales' low, the minima's high) and their high two in the first bytes' high.
static void six_bit_factors(const uint8_t* in, BlockParts* parts) {
  for (int i = 0; i < 4; ++i) {
    parts->scale_factor[i] = static_cast<int8_t>(in[i] & 63);
    parts->minimum_factor[i] = static_cast<int8_t>(in[i + 4] & 63);
    parts->scale_factor[i + 4] = static_cast<int8_t>((in[i + 8] & 15) | in[i] >> 6 << 4);
    parts->minimum_factor[i + 4] = static_cast<int8_t>(in[i + 8] >> 4 | in[i + 4] >> 6 << 4);
  }
}

static void take_q2_k(const uint8_t* in, BlockParts* parts) {
  for (int i = 0; i < 16; ++i) {
    parts->scale_factor[i] = static_cast<int8_t>(in[i] & 15);
    parts->minimum_factor[i] = static_cast<int8_t>(in[i] >> 4);
  }
  add_bits(in + 16, 64, 32, 2, 0, parts->code);
  parts->scale = half_at(in + 80);
  parts->minimum = half_at(in + 82);
}

static void take_q3_k(const uint8_t* in, BlockParts* parts) {
  add_bits(in + 32, 64, 32, 2, 0, parts->code);
  add_bits(in, 32, 32, 1, 2, parts->code);  // a set bit: 4 is not subtracted
  for (int i = 0; i < 16; ++i) {
    const int low = in[96 + i % 8] >> (4 * (i / 8)) & 15;
    const int high = in[104 + i % 4] >> (2 * (i / 4)) & 3;
    parts->scale_factor[i] = static_cast<int8_t>((low | high << 4) - 32);
  }
  parts->scale = half_at(in + 108);
}

static void take_q6_k(const uint8_t* in, BlockParts* parts) {
  add_bits(in, 128, 64, 4, 0, parts->code);
  add_bits(in + 128, 64, 32, 2, 4, parts->code);
  memcpy(parts->scale_factor, in + 192, 16);
  parts->scale = half_at(in + 208);
}

// f16 scale, f16 minimum, 12 bytes of factors, `high` bytes of fifth bits, nibbles.
static void take_q4_k(const uint8_t* in, int high, BlockParts* parts) {
  parts->scale = half_at(in);
  parts->minimum = half_at(in + 2);
  six_bit_factors(in + 4, parts);
  add_bits(in + 16 + high, 128, 32, 4, 0, parts->code);
  add_bits(in + 16, high, 32, 1, 4, parts->code);
}

// f16 scale, f16 minimum where the type has one, `high` bytes of fifth bits, nibbles.
static void take_q4(const uint8_t* in, bool minimum, int high, BlockParts* parts) {
  parts->scale = half_at(in);
  if (minimum) parts->minimum = half_at(in + 2);
  in += minimum ? 4 : 2;
  if (high > 0) add_fifth_bits(in, parts->code);
  add_bits(in + high, 16, 16, 4, 0, parts->code);
}

static void take_q8_0(const uint8_t* in, BlockParts* parts) {
  parts->scale = half_at(in);
  for (int i = 0; i < 32; ++i) parts->code[i] = static_cast<uint8_t>(in[2 + i] ^ 0x80);  // + 128
}

// 2^(e - 128) as bf16; 0 and 1 are subnormal.
static void take_mxfp4(const uint8_t* in, BlockParts* parts) {
  parts->scale = static_cast<uint16_t>(in[0] < 2 ? 0x20 << in[0] : (in[0] - 1) << 7);
  add_bits(in + 1, 16, 16, 4, 0, parts->code);
}

int64_t gguf_block_bytes(int32_t type) {
  switch (type) {
    case QUIRE_F32:
      return 4;
    case QUIRE_F16:
    case QUIRE_BF16:
      return 2;
    case QUIRE_MXFP4:
      return 17;
    case QUIRE_Q4_0:
    case QUIRE_IQ4_NL:
      return 18;
    case QUIRE_Q4_1:
      return 20;
    case QUIRE_Q5_0:
      return 22;
    case QUIRE_Q5_1:
      return 24;
    case QUIRE_Q8_0:
      return 34;
    case QUIRE_Q2_K:
      return 84;
    case QUIRE_Q3_K:
      return 110;
    case QUIRE_Q4_K:
      return 144;
    case QUIRE_Q5_K:
      return 176;
    case QUIRE_Q6_K:
      return 210;
    default:
      return 0;
  }
}

void take_apart(int32_t type, const uint8_t* block, BlockParts* parts) {
  memset(parts, 0, sizeof(*parts));
  switch (type) {
    case QUIRE_Q4_0:
    case QUIRE_IQ4_NL:
      return take_q4(block, false, 0, parts);
    case QUIRE_Q4_1:
      return take_q4(block, true, 0, parts);
    case QUIRE_Q5_0:
      return take_q4(block, false, 4, parts);
    case QUIRE_Q5_1:
      return take_q4(block, true, 4, parts);
    case QUIRE_Q8_0:
      return take_q8_0(block, parts);
    case QUIRE_Q2_K:
      return take_q2_k(block, parts);
    case QUIRE_Q3_K:
      return take_q3_k(block, parts);
    case QUIRE_Q4_K:
      return take_q4_k(block, 0, parts);
    case QUIRE_Q5_K:
      return take_q4_k(block, 32, parts);
    case QUIRE_Q6_K:
      return take_q6_k(block, parts);
    case QUIRE_MXFP4:
      return take_mxfp4(block, parts);
  }
}

}  // namespace quire
