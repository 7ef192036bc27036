// VNNI's table with the attention of processors that multiply bfloat16.
#include "kernel_table.h"

namespace quire {

namespace bfloat {
void cache_write_key(const CacheLayout&, const float*, int64_t, int64_t, uint8_t*, int64_t);
void cache_write_value(const CacheLayout&, const float*, int64_t, int64_t, uint8_t*, int64_t);
void attention_prepare(AttentionTile&);
void attention_chunk(const AttentionTile&);
void attention_merge(float* const*, const float* const*, int32_t, int32_t);
void attention_finish(const float*, int32_t, float*);
}  // namespace bfloat

static KernelTable with_bfloat() {
  KernelTable table = *vnni_kernels();
  table.cache_write_key = bfloat::cache_write_key;
  table.cache_write_value = bfloat::cache_write_value;
  table.attention_prepare = bfloat::attention_prepare;
  table.attention_chunk = bfloat::attention_chunk;
  table.attention_merge = bfloat::attention_merge;
  table.attention_finish = bfloat::attention_finish;
  return table;
}

const KernelTable* bfloat_kernels() {
  static const KernelTable table = with_bfloat();
  return &table;
}

}  // namespace quire
