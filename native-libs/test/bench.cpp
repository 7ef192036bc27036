// Times the products and the attention of SmolLM2-135M (and a 7B-sized matrix, and one of every
// weight type), best of several rounds.
//
//   make -C native-libs bench            2 threads, best instruction set
//   kernel_bench THREADS ISA [PART ...]  ISA as in quire_kernels.h; PART: step, batch, context, 1b,
//                                        matmul, types, attention or sample (default: step, matmul,
//                                        types, attention, sample)
//
// GB/s counts packed weight (or key and value) bytes once per call; GOP/s counts a multiply and an
// add as two. Where several matrices would fit the cache, calls go round a set of them of 64 MB or
// more.
#include "bench.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tuple>
#include <utility>
#include <vector>

using bench::must;
using bench::time_call;

static constexpr int32_t kWindow = 1024;  // of every second layer in the attention's context

// SmolLM2-135M's numbers; the arrays live as long as the program.
static quire_config smollm2(int32_t threads, int32_t isa, const int32_t* windows) {
  static const int32_t dim = 64;
  static const int32_t pairs = QUIRE_PAIRS_ADJACENT;
  static const float magnitude = 1;
  static const std::vector<int32_t> ropes(30, 0);
  static const std::vector<float> frequencies = [] {
    std::vector<float> out;
    for (int32_t i = 0; i < dim / 2; ++i)
      out.push_back(static_cast<float>(pow(100000.0, -2.0 * i / dim)));
    return out;
  }();
  quire_config c = {};
  c.layers = 2;
  c.embedding = 576;
  c.feed_forward = 4096;
  c.vocabulary = 49152;
  c.heads = 9;
  c.kv_heads = 3;
  c.head_dim = 64;
  c.context_length = 8192;
  c.norm_epsilon = 1e-5f;
  c.embedding_scale = 1;
  c.attention_scale = 0.125f;
  c.ropes = 1;
  c.rope_pairs = &pairs;
  c.rope_dim = &dim;
  c.rope_magnitude = &magnitude;
  c.inverse_frequency = frequencies.data();
  c.layer_rope = ropes.data();
  c.layer_window = windows;
  c.max_tokens = 512;
  c.max_seqs = 64;
  c.max_rows = 64;
  c.table_stride = 512;
  c.threads = threads;
  c.isa = isa;
  return c;
}

static void bench_matmul(quire_context* context, const char* name, int32_t type, int64_t rows,
                         int64_t cols) {
  const int64_t bytes = quire_packed_bytes(type, rows, cols);
  const int64_t copies = (int64_t{64} << 20) / bytes + 1;
  std::vector<int32_t> ids;
  std::vector<uint8_t> source(static_cast<size_t>(rows * cols * 4));
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<uint8_t>(i * 7 % 61);
  std::vector<void*> memories;
  for (int64_t copy = 0; copy < copies; ++copy) {
    void* packed;
    must(quire_host_alloc(bytes, &packed));
    must(quire_pack(type, rows, cols, source.data(), packed));
    memories.push_back(packed);
    ids.push_back(quire_weight(context, type, rows, cols, packed));
    must(ids.back());
  }
  std::vector<float> in(static_cast<size_t>(512 * cols), 0.5f);
  std::vector<float> out(static_cast<size_t>(512 * rows));
  for (int32_t tokens : {1, 4, 5, 8, 16, 32, 512}) {
    if (rows * tokens > 512 * 4096 * 4) continue;
    const double seconds = time_call([&](int call) {
      must(quire_op_matmul(context, ids[static_cast<size_t>(call % copies)], tokens, in.data(),
                           out.data()));
    });
    printf("matmul %s %ldx%ld tokens=%d: %.1f us, %.1f GB/s, %.0f GOP/s\n", name, rows, cols,
           tokens, seconds * 1e6, static_cast<double>(bytes) / seconds * 1e-9,
           2e-9 * static_cast<double>(rows * cols * tokens) / seconds);
  }
  for (void* memory : memories) quire_host_free(memory, bytes);
}

static void bench_attention(quire_context* context, int32_t layer, int32_t seqs, int32_t length,
                            int32_t query) {
  std::vector<int32_t> position, query_start{0}, context_len,
      table(static_cast<size_t>(seqs) * 512);
  for (int32_t s = 0; s < seqs; ++s) {
    for (int32_t i = length - query; i < length; ++i) position.push_back(i);
    query_start.push_back(static_cast<int32_t>(position.size()));
    context_len.push_back(length);
    for (int32_t i = 0; i < length / 16; ++i)
      table[static_cast<size_t>(s * 512 + i)] = s * (length / 16) + i;
  }
  quire_plan plan = {};
  plan.tokens = static_cast<int32_t>(position.size());
  plan.seqs = seqs;
  plan.position = position.data();
  plan.query_start = query_start.data();
  plan.context_len = context_len.data();
  plan.block_table = table.data();
  std::vector<float> data(position.size() * 576, 0.1f);
  std::vector<float> out(data.size());
  const double seconds = time_call(
      [&](int) { must(quire_op_paged_attention(context, layer, &plan, data.data(), out.data())); });
  const int32_t read = layer == 0 || length < kWindow + query ? length : kWindow + query;
  const double token_bytes = static_cast<double>(quire_block_bytes(context)) / 2 / 16;
  const double bytes = static_cast<double>(seqs) * read * token_bytes;
  const double pairs = static_cast<double>(seqs) * query * (read - query / 2.0);
  printf("attention seqs=%d length=%d query=%d window=%d: %.1f us, %.1f GB/s, %.0f GOP/s\n", seqs,
         length, query, layer == 0 ? 0 : kWindow, seconds * 1e6, bytes / seconds * 1e-9,
         pairs * 9 * 64 * 4 / seconds * 1e-9);
}

static void bench_sample(quire_context* context, const char* name, float temperature, float top_p,
                         int32_t top_k) {
  const int32_t zero = 0;
  const int32_t none = -1;
  const int64_t seed = 1;
  const float off = 0;
  const float one = 1;
  quire_plan plan = {};
  plan.rows = 1;
  plan.temperature = &temperature;
  plan.top_p = &top_p;
  plan.top_k = &top_k;
  plan.min_p = plan.presence_penalty = plan.frequency_penalty = &off;
  plan.repetition_penalty = &one;
  plan.seed = plan.counter = &seed;
  plan.history_start = plan.prompt_len = plan.history_len = plan.bias_start = plan.bias_len = &zero;
  plan.logprobs = plan.scored_token = &none;
  int32_t token;
  float logprob;
  plan.out_token = &token;
  plan.out_logprob = &logprob;
  std::vector<float> logits(49152);
  uint32_t state = 1;
  for (float& logit : logits)
    logit = static_cast<float>((state = state * 1664525 + 1013904223) >> 8) * 6e-7f;
  const double seconds =
      time_call([&](int) { must(quire_op_sample(context, &plan, logits.data())); });
  printf("sample %s: %.1f us\n", name, seconds * 1e6);
}

static void bench_cache(quire_config config, const char* name, int32_t type) {
  config.cache_type = type;
  quire_context* context;
  must(quire_open(&config, &context));
  const int64_t blocks = 4096;
  void* cache;
  const int64_t cache_bytes = blocks * quire_block_bytes(context);
  must(quire_host_alloc(cache_bytes, &cache));
  memset(cache, 0, static_cast<size_t>(cache_bytes));
  must(quire_cache_open(context, blocks, cache));
  for (int32_t layer : {0, 1}) {
    printf("%s: ", name);
    bench_attention(context, layer, 1, 1024, 1);
    printf("%s: ", name);
    bench_attention(context, layer, 1, 8192, 1);
    printf("%s: ", name);
    bench_attention(context, layer, 8, 4096, 1);
    printf("%s: ", name);
    bench_attention(context, layer, 1, 1024, 256);
  }
  must(quire_close(context));
  quire_host_free(cache, cache_bytes);
}

static void bench_caches(const quire_config& config) {
  bench_cache(config, "f16", QUIRE_CACHE_F16);
  bench_cache(config, "bf16", QUIRE_CACHE_BF16);
  bench_cache(config, "int8", QUIRE_CACHE_INT8);
}

static void bench_parts(quire_context* context, const quire_config& config, const char* part) {
  const auto wanted = [&](const char* name) { return strcmp(part, name) == 0; };
  if (wanted("step")) bench::steps(config.threads, config.isa);
  if (wanted("batch")) bench::batch_sweep(config.threads, config.isa);
  if (wanted("context")) bench::context_sweep(config.threads, config.isa);
  if (wanted("1b")) bench::one_billion(config.threads, config.isa);
  if (wanted("matmul")) {
    bench_matmul(context, "q4_1", QUIRE_Q4_1, 576, 576);
    bench_matmul(context, "q4_1", QUIRE_Q4_1, 192, 576);
    bench_matmul(context, "q4_1", QUIRE_Q4_1, 1536, 576);
    bench_matmul(context, "q4_1", QUIRE_Q4_1, 576, 1536);
    bench_matmul(context, "q8_0", QUIRE_Q8_0, 49152, 576);
    bench_matmul(context, "q4_1", QUIRE_Q4_1, 4096, 4096);
    bench_matmul(context, "f16", QUIRE_F16, 1536, 576);
  }
  if (wanted("types")) {
    const std::pair<const char*, int32_t> types[] = {
        {"bf16", QUIRE_BF16},  {"q4_0", QUIRE_Q4_0}, {"q4_1", QUIRE_Q4_1}, {"q5_0", QUIRE_Q5_0},
        {"q5_1", QUIRE_Q5_1},  {"q8_0", QUIRE_Q8_0}, {"q2_k", QUIRE_Q2_K}, {"q3_k", QUIRE_Q3_K},
        {"q4_k", QUIRE_Q4_K},  {"q5_k", QUIRE_Q5_K}, {"q6_k", QUIRE_Q6_K}, {"iq4_nl", QUIRE_IQ4_NL},
        {"mxfp4", QUIRE_MXFP4}};
    for (const auto& [name, type] : types) bench_matmul(context, name, type, 2048, 2048);
  }
  if (wanted("attention")) bench_caches(config);
  if (wanted("sample")) {
    bench_sample(context, "greedy", 0, 1, 0);
    bench_sample(context, "temperature", 1, 1, 0);
    bench_sample(context, "top_k=50", 1, 1, 50);
    bench_sample(context, "top_p=0.9", 1, 0.9f, 0);
  }
}

int main(int count, char** arguments) {
  const int32_t threads = count > 1 ? atoi(arguments[1]) : 2;
  const int32_t isa = count > 2 ? atoi(arguments[2]) : QUIRE_ISA_AUTO;
  const int32_t windows[] = {0, kWindow};
  const quire_config config = smollm2(threads, isa, windows);
  quire_context* context;
  must(quire_open(&config, &context));
  printf("isa=%d, threads=%d\n", quire_context_isa(context), quire_context_threads(context));
  for (int i = 3; i < count; ++i) bench_parts(context, config, arguments[i]);
  if (count <= 3) {
    for (const char* part : {"step", "matmul", "types", "attention", "sample"}) {
      bench_parts(context, config, part);
    }
  }
  must(quire_close(context));
  return 0;
}
