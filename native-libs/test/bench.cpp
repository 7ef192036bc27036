// Times the products and the attention of SmolLM2-135M (and a 7B-sized matrix, and one of every
// weight type), best of several rounds.
//
//   make -C native-libs bench            2 threads, best instruction set
//   kernel_bench THREADS ISA             ISA as in quire_kernels.h
//   kernel_bench THREADS ISA attention   attention alone, for every type of cache
//
// GB/s counts packed weight (or key and value) bytes once per call; GOP/s counts a multiply and an
// add as two. Where several matrices would fit the cache, calls go round a set of them of 64 MB or
// more.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tuple>
#include <utility>
#include <vector>

#include "../include/quire_kernels.h"

static double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

static void must(int32_t status) {
  if (status >= 0) return;
  fprintf(stderr, "status=%d: %s\n", status, quire_last_error());
  exit(1);
}

// Seconds of one call: the best of 5 rounds of at least 50 ms.
template <typename Call>
static double time_call(const Call& call) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    int calls = 0;
    const double start = now();
    double end;
    do {
      call(calls++);
      end = now();
    } while (end - start < 0.05);
    best = (end - start) / calls < best ? (end - start) / calls : best;
  }
  return best;
}

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
  c.max_seqs = 16;
  c.max_rows = 8;
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
  for (int32_t tokens : {1, 4, 8, 32, 512}) {
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

// Random Q4_1 weights of SmolLM2-135M (30 layers, Q8_0 head), whole steps.
struct Model {
  quire_context* context;
  std::vector<std::pair<void*, int64_t>> memories;

  int32_t weight(int32_t type, int64_t rows, int64_t cols) {
    const int64_t bytes = quire_packed_bytes(type, rows, cols);
    void* packed;
    must(quire_host_alloc(bytes, &packed));
    memset(packed, 1, static_cast<size_t>(bytes));
    memories.push_back({packed, bytes});
    const int32_t id = quire_weight(context, type, rows, cols, packed);
    must(id);
    return id;
  }

  explicit Model(quire_config config) {
    config.layers = 30;
    config.feed_forward = 1536;
    must(quire_open(&config, &context));
    std::vector<int32_t> ids;
    for (int layer = 0; layer < 30; ++layer) {
      // Places in the order of quire_bind.
      std::vector<int32_t> layer_ids(QUIRE_LAYER_WEIGHTS, -1);
      for (const auto& [place, type, rows, cols] : {std::tuple{0, QUIRE_F32, 1, 576},
                                                    {2, QUIRE_Q4_1, 576, 576},
                                                    {4, QUIRE_Q4_1, 192, 576},
                                                    {6, QUIRE_Q4_1, 192, 576},
                                                    {10, QUIRE_Q4_1, 576, 576},
                                                    {13, QUIRE_F32, 1, 576},
                                                    {15, QUIRE_Q4_1, 1536, 576},
                                                    {17, QUIRE_Q4_1, 1536, 576},
                                                    {19, QUIRE_Q4_1, 576, 1536}}) {
        layer_ids[static_cast<size_t>(place)] = weight(type, rows, cols);
      }
      ids.insert(ids.end(), layer_ids.begin(), layer_ids.end());
    }
    const int32_t head = weight(QUIRE_Q8_0, 49152, 576);
    const int32_t model[QUIRE_MODEL_WEIGHTS] = {head, -1, weight(QUIRE_F32, 1, 576), -1, head};
    must(quire_bind(context, ids.data(), model));
    const int64_t bytes = 512 * quire_block_bytes(context);
    void* cache;
    must(quire_host_alloc(bytes, &cache));
    memset(cache, 0, static_cast<size_t>(bytes));
    memories.push_back({cache, bytes});
    must(quire_cache_open(context, 512, cache));
  }

  ~Model() {
    quire_close(context);
    for (const auto& [memory, bytes] : memories) quire_host_free(memory, bytes);
  }

  void step(const quire_plan& plan) {
    must(quire_step_begin(context, &plan));
    must(quire_embed(context));
    for (int layer = 0; layer < 30; ++layer) {
      must(quire_attention_input(context, layer));
      must(quire_paged_attention(context, layer));
      must(quire_attention_output(context, layer));
      must(quire_feed_forward_gate(context, layer));
      must(quire_feed_forward_down(context, layer));
    }
    must(quire_logits(context));
    must(quire_step_end(context));
  }
};

// `seqs` sequences of `length` tokens after the step, of which `query` are computed.
static void bench_step(Model& model, int32_t seqs, int32_t length, int32_t query) {
  std::vector<int32_t> token, position, query_start{0}, context_len, rows,
      table(static_cast<size_t>(seqs) * 512);
  std::vector<int64_t> slot;
  const int32_t blocks = (length + 15) / 16;
  for (int32_t s = 0; s < seqs; ++s) {
    for (int32_t i = 0; i < blocks; ++i) table[static_cast<size_t>(s * 512 + i)] = s * blocks + i;
    for (int32_t i = length - query; i < length; ++i) {
      token.push_back(i);
      position.push_back(i);
      slot.push_back(int64_t{s * blocks} * 16 + i);
    }
    query_start.push_back(static_cast<int32_t>(token.size()));
    context_len.push_back(length);
    rows.push_back(static_cast<int32_t>(token.size()) - 1);
  }
  const std::vector<float> zeros(8), ones(8, 1);
  const std::vector<int32_t> none(8), off(8, -1);
  quire_plan plan = {};
  plan.tokens = static_cast<int32_t>(token.size());
  plan.seqs = plan.rows = seqs;
  plan.token = token.data();
  plan.position = position.data();
  plan.slot = slot.data();
  plan.query_start = query_start.data();
  plan.context_len = context_len.data();
  plan.block_table = table.data();
  plan.logit_row = rows.data();
  plan.temperature = plan.min_p = plan.presence_penalty = plan.frequency_penalty = zeros.data();
  plan.top_p = plan.repetition_penalty = ones.data();
  plan.top_k = plan.history_start = plan.prompt_len = plan.history_len = plan.bias_start =
      plan.bias_len = none.data();
  plan.logprobs = plan.scored_token = off.data();
  const double seconds = time_call([&](int) { model.step(plan); });
  printf("step seqs=%d length=%d query=%d: %.2f ms, %.0f tokens/s\n", seqs, length, query,
         seconds * 1e3, static_cast<double>(token.size()) / seconds);
}

static void bench_steps(int32_t threads, int32_t isa) {
  const std::vector<int32_t> windows(30, 0);
  Model model(smollm2(threads, isa, windows.data()));
  bench_step(model, 1, 100, 1);
  bench_step(model, 1, 1000, 1);
  bench_step(model, 4, 100, 1);
  bench_step(model, 8, 100, 1);
  bench_step(model, 1, 512, 512);
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

int main(int count, char** arguments) {
  const int32_t threads = count > 1 ? atoi(arguments[1]) : 2;
  const int32_t isa = count > 2 ? atoi(arguments[2]) : QUIRE_ISA_AUTO;
  const int32_t windows[] = {0, kWindow};
  const quire_config config = smollm2(threads, isa, windows);
  if (count > 3) {
    bench_caches(config);
    return 0;
  }
  quire_context* context;
  must(quire_open(&config, &context));
  printf("isa=%d, threads=%d\n", quire_context_isa(context), quire_context_threads(context));
  bench_steps(threads, isa);
  bench_matmul(context, "q4_1", QUIRE_Q4_1, 576, 576);
  bench_matmul(context, "q4_1", QUIRE_Q4_1, 192, 576);
  bench_matmul(context, "q4_1", QUIRE_Q4_1, 1536, 576);
  bench_matmul(context, "q4_1", QUIRE_Q4_1, 576, 1536);
  bench_matmul(context, "q8_0", QUIRE_Q8_0, 49152, 576);
  bench_matmul(context, "q4_1", QUIRE_Q4_1, 4096, 4096);
  bench_matmul(context, "f16", QUIRE_F16, 1536, 576);
  const std::pair<const char*, int32_t> types[] = {
      {"bf16", QUIRE_BF16},  {"q4_0", QUIRE_Q4_0}, {"q4_1", QUIRE_Q4_1}, {"q5_0", QUIRE_Q5_0},
      {"q5_1", QUIRE_Q5_1},  {"q8_0", QUIRE_Q8_0}, {"q2_k", QUIRE_Q2_K}, {"q3_k", QUIRE_Q3_K},
      {"q4_k", QUIRE_Q4_K},  {"q5_k", QUIRE_Q5_K}, {"q6_k", QUIRE_Q6_K}, {"iq4_nl", QUIRE_IQ4_NL},
      {"mxfp4", QUIRE_MXFP4}};
  for (const auto& [name, type] : types) bench_matmul(context, name, type, 2048, 2048);
  bench_caches(config);
  bench_sample(context, "greedy", 0, 1, 0);
  bench_sample(context, "temperature", 1, 1, 0);
  bench_sample(context, "top_k=50", 1, 1, 50);
  bench_sample(context, "top_p=0.9", 1, 0.9f, 0);
  must(quire_close(context));
  return 0;
}
