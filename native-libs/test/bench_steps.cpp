// Whole steps: decoding and prefilling with made-up weights, against batch, context and bandwidth.
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "bench.h"

namespace bench {

struct Shape {
  const char* name;
  int32_t layers, embedding, feed_forward, heads, kv_heads, vocabulary;
  int32_t type, head_type;
};

static constexpr Shape kSmolLm2 = {"SmolLM2-135M", 30,         576,       1536, 9, 3,
                                   49152,          QUIRE_Q4_1, QUIRE_Q8_0};
static constexpr int32_t kHeadDim = 64;
static constexpr int32_t kContext = 8192;
static constexpr int32_t kMaxSeqs = 64;

// The kinds of calls of a step.
static constexpr const char* kCalls[] = {"embed", "qkv",  "attention", "output",
                                         "gate",  "down", "logits"};

class Model {
 public:
  Model(const Shape& shape, int32_t threads, int32_t isa, int64_t blocks) : shape_(shape) {
    open(threads, isa);
    std::vector<int32_t> ids;
    const int32_t kv = shape.kv_heads * kHeadDim;
    const int32_t query = shape.heads * kHeadDim;
    for (int layer = 0; layer < shape.layers; ++layer) {
      // Places in the order of quire_bind.
      std::vector<int32_t> layer_ids(QUIRE_LAYER_WEIGHTS, -1);
      for (const auto& [place, type, rows, cols] :
           {std::tuple{0, int32_t{QUIRE_F32}, 1, shape.embedding},
            {2, shape.type, query, shape.embedding},
            {4, shape.type, kv, shape.embedding},
            {6, shape.type, kv, shape.embedding},
            {10, shape.type, shape.embedding, query},
            {13, QUIRE_F32, 1, shape.embedding},
            {15, shape.type, shape.feed_forward, shape.embedding},
            {17, shape.type, shape.feed_forward, shape.embedding},
            {19, shape.type, shape.embedding, shape.feed_forward}}) {
        layer_ids[static_cast<size_t>(place)] = weight(type, rows, cols);
      }
      ids.insert(ids.end(), layer_ids.begin(), layer_ids.end());
    }
    const int32_t head = weight(shape.head_type, shape.vocabulary, shape.embedding);
    const int32_t norm = weight(QUIRE_F32, 1, shape.embedding);
    const int32_t model[QUIRE_MODEL_WEIGHTS] = {head, -1, norm, -1, head};
    must(quire_bind(context_, ids.data(), model));
    const int64_t bytes = blocks * quire_block_bytes(context_);
    must(quire_cache_open(context_, blocks, allocate(bytes)));
  }

  ~Model() {
    quire_close(context_);
    for (const auto& [memory, bytes] : memories_) quire_host_free(memory, bytes);
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  int64_t weight_bytes() const { return weight_bytes_; }

  void step(const quire_plan& plan) {
    must(quire_step_begin(context_, &plan));
    timed(0, [&] { return quire_embed(context_); });
    for (int layer = 0; layer < shape_.layers; ++layer) {
      timed(1, [&] { return quire_attention_input(context_, layer); });
      timed(2, [&] { return quire_paged_attention(context_, layer); });
      timed(3, [&] { return quire_attention_output(context_, layer); });
      timed(4, [&] { return quire_feed_forward_gate(context_, layer); });
      timed(5, [&] { return quire_feed_forward_down(context_, layer); });
    }
    timed(6, [&] { return quire_logits(context_); });
    must(quire_step_end(context_));
  }

  // Shares of the time since the last call.
  void print_shares() {
    double all = 0;
    for (double part : seconds_) all += part;
    for (int i = 0; i < 7; ++i) {
      printf("  %s %.1f%%", kCalls[i], 100 * seconds_[i] / all);
      seconds_[i] = 0;
    }
    printf("\n");
  }

 private:
  void open(int32_t threads, int32_t isa) {
    std::vector<float> frequencies;
    for (int32_t i = 0; i < kHeadDim / 2; ++i)
      frequencies.push_back(static_cast<float>(pow(100000.0, -2.0 * i / kHeadDim)));
    const int32_t dim = kHeadDim;
    const int32_t pairs = QUIRE_PAIRS_ADJACENT;
    const float magnitude = 1;
    const std::vector<int32_t> zeros(static_cast<size_t>(shape_.layers));
    quire_config c = {};
    c.layers = shape_.layers;
    c.embedding = shape_.embedding;
    c.feed_forward = shape_.feed_forward;
    c.vocabulary = shape_.vocabulary;
    c.heads = shape_.heads;
    c.kv_heads = shape_.kv_heads;
    c.head_dim = kHeadDim;
    c.context_length = kContext;
    c.norm_epsilon = 1e-5f;
    c.embedding_scale = 1;
    c.attention_scale = 0.125f;
    c.ropes = 1;
    c.rope_pairs = &pairs;
    c.rope_dim = &dim;
    c.rope_magnitude = &magnitude;
    c.inverse_frequency = frequencies.data();
    c.layer_rope = zeros.data();
    c.layer_window = zeros.data();
    c.max_tokens = 512;
    c.max_seqs = kMaxSeqs;
    c.max_rows = kMaxSeqs;
    c.table_stride = kContext / QUIRE_PAGE_TOKENS;
    c.threads = threads;
    c.isa = isa;
    must(quire_open(&c, &context_));
  }

  void* allocate(int64_t bytes) {
    void* memory;
    must(quire_host_alloc(bytes, &memory));
    memset(memory, 0x2C, static_cast<size_t>(bytes));  // as f16: 0.065, no special number
    memories_.push_back({memory, bytes});
    return memory;
  }

  int32_t weight(int32_t type, int64_t rows, int64_t cols) {
    const int64_t bytes = quire_packed_bytes(type, rows, cols);
    must(static_cast<int32_t>(bytes < 0 ? bytes : 0));
    const int32_t id = quire_weight(context_, type, rows, cols, allocate(bytes));
    must(id);
    weight_bytes_ += bytes;
    return id;
  }

  template <typename Call>
  void timed(int kind, const Call& call) {
    const double start = now();
    must(call());
    seconds_[kind] += now() - start;
  }

  const Shape shape_;
  quire_context* context_ = nullptr;
  std::vector<std::pair<void*, int64_t>> memories_;
  int64_t weight_bytes_ = 0;
  double seconds_[7] = {};
};

// `seqs` sequences of `length` tokens after the step, of which `query` are computed.
struct Step {
  quire_plan plan = {};
  std::vector<int32_t> token, position, query_start{0}, context_len, rows, table, none, off;
  std::vector<int64_t> slot;
  std::vector<float> zeros, ones;

  Step(int32_t seqs, int32_t length, int32_t query) {
    const size_t count = static_cast<size_t>(seqs);
    constexpr int32_t kStride = kContext / QUIRE_PAGE_TOKENS;
    const int32_t blocks = (length + QUIRE_PAGE_TOKENS - 1) / QUIRE_PAGE_TOKENS;
    table.resize(count * kStride);
    for (int32_t s = 0; s < seqs; ++s) {
      for (int32_t i = 0; i < blocks; ++i)
        table[static_cast<size_t>(s * kStride + i)] = s * blocks + i;
      for (int32_t i = length - query; i < length; ++i) {
        token.push_back(i);
        position.push_back(i);
        slot.push_back(int64_t{s * blocks} * QUIRE_PAGE_TOKENS + i);
      }
      query_start.push_back(static_cast<int32_t>(token.size()));
      context_len.push_back(length);
      rows.push_back(static_cast<int32_t>(token.size()) - 1);
    }
    zeros.resize(count);
    ones.resize(count, 1);
    none.resize(count);
    off.resize(count, -1);
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
  }
};

static double time_step(Model& model, int32_t seqs, int32_t length, int32_t query) {
  const Step step(seqs, length, query);
  const double seconds = time_call([&](int) { model.step(step.plan); });
  printf("step seqs=%d length=%d query=%d: %.2f ms, %.0f tokens/s\n", seqs, length, query,
         seconds * 1e3, seqs * query / seconds);
  model.print_shares();
  fflush(stdout);
  return seconds;
}

void steps(int32_t threads, int32_t isa) {
  Model model(kSmolLm2, threads, isa, 1024);
  for (const auto& [seqs, length, query] : {std::tuple{1, 100, 1},
                                            {1, 1000, 1},
                                            {4, 100, 1},
                                            {8, 100, 1},
                                            {32, 100, 1},
                                            {1, 512, 512},
                                            {1, 1500, 476}}) {
    time_step(model, seqs, length, query);
  }
}

void batch_sweep(int32_t threads, int32_t isa) {
  Model model(kSmolLm2, threads, isa, 1024);
  for (int32_t seqs : {1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 48, 64}) time_step(model, seqs, 128, 1);
}

void context_sweep(int32_t threads, int32_t isa) {
  Model model(kSmolLm2, threads, isa, 8 * 2048 / QUIRE_PAGE_TOKENS);
  for (int32_t length : {128, 256, 512, 1024, 2048, 4096, 8192}) time_step(model, 1, length, 1);
  for (int32_t length : {128, 256, 512, 1024, 2048}) time_step(model, 8, length, 1);
}

// Reads `bytes` of memory once with each of `threads` threads taking a part: GB/s, best of several.
static double read_bandwidth(const uint8_t* memory, int64_t bytes, int32_t threads) {
  std::atomic<int64_t> sink{0};
  const auto read = [&](int32_t thread) {
    const int64_t* from = reinterpret_cast<const int64_t*>(memory + bytes / threads * thread);
    const int64_t count = bytes / threads / 8;
    int64_t sums[8] = {};
    for (int64_t i = 0; i + 8 <= count; i += 8) {
      for (int j = 0; j < 8; ++j) sums[j] += from[i + j];
    }
    for (int64_t sum : sums) sink += sum;
  };
  const double seconds = time_call([&](int) {
    std::vector<std::thread> others;
    for (int32_t thread = 1; thread < threads; ++thread) others.emplace_back(read, thread);
    read(0);
    for (std::thread& other : others) other.join();
  });
  return static_cast<double>(bytes) / seconds * 1e-9;
}

// Llama 3.2 1B's shape, all weights of one type.
void one_billion(int32_t threads, int32_t isa) {
  const int64_t bytes = int64_t{512} << 20;
  void* memory;
  must(quire_host_alloc(bytes, &memory));
  memset(memory, 1, static_cast<size_t>(bytes));
  for (const auto& [name, type] :
       {std::pair{"Q4_0", int32_t{QUIRE_Q4_0}}, {"Q4_K", QUIRE_Q4_K}, {"Q8_0", QUIRE_Q8_0}}) {
    const Shape shape = {name, 16, 2048, 8192, 32, 8, 128256, type, type};
    Model model(shape, threads, isa, 64);
    const double before = read_bandwidth(static_cast<uint8_t*>(memory), bytes, threads);
    const double seconds = time_step(model, 1, 128, 1);
    const double after = read_bandwidth(static_cast<uint8_t*>(memory), bytes, threads);
    const double rate = static_cast<double>(model.weight_bytes()) / seconds * 1e-9;
    printf(
        "1b %s: %.0f MB of weights, %.1f GB/s while decoding; reading alone %.1f, %.1f GB/s: %.0f "
        "%%\n",
        name, static_cast<double>(model.weight_bytes()) * 1e-6, rate, before, after,
        200 * rate / (before + after));
  }
  quire_host_free(memory, bytes);
}

}  // namespace bench
