// The table of one instruction set.
#include "simd.h"

namespace quire::QUIRE_ISA {

void rms_norm(const float*, const float*, float, int64_t, float*);
void layer_norm(const float*, const float*, const float*, float, int64_t, float*);
int64_t part_count(int64_t);
int64_t part_start(int64_t, int64_t);
void quantise(const float*, int64_t, int64_t, int64_t, const QuantisedRows&);
void matmul(const Weight&, const Activations&, int64_t, int64_t, int64_t, const Products&);
void rope_adjacent(float*, int64_t, int64_t, int32_t, int32_t, const float*, const float*);
void rope_halves(float*, int64_t, int64_t, int32_t, int32_t, const float*, const float*);
void silu_mul(const float*, const float*, int64_t, float*);
void gelu_mul(const float*, const float*, int64_t, float*);
void gelu(const float*, int64_t, float*);
void add_to(const float*, int64_t, float*);
void scale(float, int64_t, float*);
void embed_row(const Weight&, int64_t, float*);
void cache_write_key(const CacheLayout&, const float*, int64_t, int64_t, uint8_t*, int64_t);
void cache_write_value(const CacheLayout&, const float*, int64_t, int64_t, uint8_t*, int64_t);
void attention_prepare(AttentionTile&);
void attention_chunk(const AttentionTile&);
void attention_merge(float* const*, const float* const*, int32_t, int32_t);
void attention_finish(const float*, int32_t, float*);
int64_t arg_max(const float*, int64_t, float*);
void run_sums(const float*, int64_t, double*);
void exp_weights(const float*, int64_t, float, float, float*, double*);
void group_maxima(const float*, int64_t, float*);
int64_t keep_between(const int32_t*, const float*, const float*, int64_t, float, float, float,
                     const TokenList&);
int64_t mass_from(const float*, const float*, int64_t, float, double*);
int32_t top_values(const float*, int64_t, int32_t, int32_t*, float*);

static const KernelTable kTable = {
    rms_norm,
    layer_norm,
    part_count,
    part_start,
    quantise,
    matmul,
    rope_adjacent,
    rope_halves,
    silu_mul,
    gelu_mul,
    gelu,
    add_to,
    scale,
    embed_row,
    cache_write_key,
    cache_write_value,
    attention_prepare,
    attention_chunk,
    attention_merge,
    attention_finish,
    arg_max,
    run_sums,
    exp_weights,
    group_maxima,
    keep_between,
    mass_from,
    top_values,
};

}  // namespace quire::QUIRE_ISA

#define QUIRE_JOIN(a, b) a##b
#define QUIRE_TABLE(isa) QUIRE_JOIN(isa, _kernels)

const quire::KernelTable* quire::QUIRE_TABLE(QUIRE_ISA)() { return &quire::QUIRE_ISA::kTable; }
