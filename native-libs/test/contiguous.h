// Attention compiled for contiguous addressing, to be compared with the library's.
#ifndef QUIRE_TEST_CONTIGUOUS_H
#define QUIRE_TEST_CONTIGUOUS_H

#include "../cpu/context.h"

#define QUIRE_ATTENTION_OF(isa)                  \
  namespace isa {                                \
  void attention_prepare(quire::AttentionTile&); \
  void attention_chunk(const AttentionTile&);    \
  }

namespace quire {

QUIRE_ATTENTION_OF(contiguous_avx2)
QUIRE_ATTENTION_OF(contiguous_avx512)
QUIRE_ATTENTION_OF(contiguous_vnni)
QUIRE_ATTENTION_OF(contiguous_bfloat)
QUIRE_ATTENTION_OF(avx2)
QUIRE_ATTENTION_OF(avx512)
QUIRE_ATTENTION_OF(vnni)
QUIRE_ATTENTION_OF(bfloat)

}  // namespace quire

namespace contiguous {

struct Attention {
  void (*paged)(const quire::AttentionTile&);
  void (*prepare)(quire::AttentionTile&);
  void (*chunk)(const quire::AttentionTile&);
};

constexpr Attention kAttentions[] = {
    {quire::avx2::attention_chunk, quire::contiguous_avx2::attention_prepare,
     quire::contiguous_avx2::attention_chunk},
    {quire::avx512::attention_chunk, quire::contiguous_avx512::attention_prepare,
     quire::contiguous_avx512::attention_chunk},
    {quire::vnni::attention_chunk, quire::contiguous_vnni::attention_prepare,
     quire::contiguous_vnni::attention_chunk},
    {quire::bfloat::attention_chunk, quire::contiguous_bfloat::attention_prepare,
     quire::contiguous_bfloat::attention_chunk},
};

// Puts `paged` with its attention over runs of blocks, of which it reads the first one's number
// alone, into `out`; false where the variant is not compiled so (the scalar one).
inline bool kernels_of(const quire::KernelTable& paged, quire::KernelTable& out) {
  out = paged;
  for (const Attention& attention : kAttentions) {
    if (attention.paged != paged.attention_chunk) continue;
    out.attention_prepare = attention.prepare;
    out.attention_chunk = attention.chunk;
    return true;
  }
  return false;
}

}  // namespace contiguous

#endif  // QUIRE_TEST_CONTIGUOUS_H
