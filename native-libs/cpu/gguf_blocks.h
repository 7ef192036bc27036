// GGUF's blocks of one row, taken apart for packing: codes, scales and minima, without loss.
// dev.quire.tensor.TensorType describes the blocks.
#ifndef QUIRE_CPU_GGUF_BLOCKS_H
#define QUIRE_CPU_GGUF_BLOCKS_H

#include <stdint.h>

namespace quire {

// One block: 32 or 256 elements.
struct BlockParts {
  uint8_t code[256];
  uint16_t scale;    // f16, or bf16 for MXFP4
  uint16_t minimum;  // f16
  // Of the scale and the minimum, for each 16 or 32 elements of a block of 256.
  int8_t scale_factor[16];
  int8_t minimum_factor[16];
};

// Bytes of a GGUF block of a quantised type, or of one element of another.
int64_t gguf_block_bytes(int32_t type);

// Takes one block of a quantised type apart.
void take_apart(int32_t type, const uint8_t* block, BlockParts* parts);

}  // namespace quire

#endif  // QUIRE_CPU_GGUF_BLOCKS_H
