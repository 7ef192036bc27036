// What quire_open and quire_bind refuse, in which words; and whole steps of a model with everything
// that a layer may have, against a double-precision forward pass.
#include <functional>
#include <string>
#include <utility>

#include "fixture.h"

using namespace fixture;

static void check_refused(int32_t expected, const char* message,
                          const std::function<void(Config&)>& damage, bool after_get = false) {
  Config config = small_config();
  config.add_rope(QUIRE_PAIRS_HALVES, 16, 10000);
  if (!after_get) damage(config);
  config.get();
  if (after_get) damage(config);
  quire_context* context = nullptr;
  const int32_t status = quire_open(&config, &context);
  CHECK(status == expected, "status=%d, expected=%d: %s", status, expected, message);
  CHECK(strcmp(quire_last_error(), message) == 0, "got: %s, expected: %s", quire_last_error(),
        message);
  if (status == QUIRE_OK) quire_close(context);
}

TEST(open_numbersThatMakeNoModel_areRefused) {
  check_refused(QUIRE_INVALID_ARG, "layers must be positive: layers=0",
                [](Config& c) { c.layers = 0; });
  check_refused(QUIRE_INVALID_ARG, "heads must be a multiple of kv_heads: heads=6, kv_heads=4",
                [](Config& c) { c.kv_heads = 4; });
  check_refused(QUIRE_UNSUPPORTED_SHAPE, "head_dim must be even and at most 512: head_dim=514",
                [](Config& c) { c.head_dim = 514; });
  check_refused(QUIRE_UNSUPPORTED_SHAPE, "head_dim must be even and at most 512: head_dim=17",
                [](Config& c) { c.head_dim = 17; });
  check_refused(QUIRE_UNSUPPORTED_SHAPE,
                "embedding, feed_forward and heads * head_dim must be at most 65536: embedding=64, "
                "feed_forward=65537, heads=6, head_dim=16",
                [](Config& c) { c.feed_forward = 65537; });
  check_refused(QUIRE_INVALID_ARG, "norm must be one of QUIRE_NORM_*: norm=2",
                [](Config& c) { c.norm = 2; });
  check_refused(QUIRE_INVALID_ARG,
                "activation must be one of QUIRE_GATED_SILU ... QUIRE_GELU: activation=3",
                [](Config& c) { c.activation = 3; });
  check_refused(QUIRE_INVALID_ARG, "norm_epsilon must be finite and not negative: norm_epsilon=-1",
                [](Config& c) { c.norm_epsilon = -1; });
  check_refused(QUIRE_INVALID_ARG,
                "scales must be positive and finite: embedding_scale=0, attention_scale=0.25",
                [](Config& c) { c.embedding_scale = 0; });
  check_refused(QUIRE_INVALID_ARG,
                "scales must be positive and finite: embedding_scale=1, attention_scale=inf",
                [](Config& c) { c.attention_scale = INFINITY; });
}

TEST(open_ropesAndLayersThatDoNotFit_areRefused) {
  check_refused(QUIRE_INVALID_ARG,
                "rope_dim must be even, positive and at most head_dim: rope=1, rope_dim=18, "
                "head_dim=16",
                [](Config& c) { c.add_rope(QUIRE_PAIRS_HALVES, 18, 10); });
  check_refused(QUIRE_INVALID_ARG, "rope_pairs must be one of QUIRE_PAIRS_*: rope=0, pairs=2",
                [](Config& c) { c.pairs[0] = 2; });
  check_refused(QUIRE_INVALID_ARG,
                "rope_magnitude must be positive and finite: rope=0, magnitude=0",
                [](Config& c) { c.magnitudes[0] = 0; });
  check_refused(QUIRE_INVALID_ARG,
                "inverse_frequency must be finite and not negative: rope=0, pair=3, value=inf",
                [](Config& c) { c.frequencies[3] = INFINITY; });
  check_refused(QUIRE_INVALID_ARG,
                "layer_rope must be a rope or -1: layer=1, layer_rope=1, ropes=1",
                [](Config& c) { c.layer_ropes = {0, 1}; });
  check_refused(QUIRE_INVALID_ARG, "layer_window must not be negative: layer=0, layer_window=-1",
                [](Config& c) { c.windows = {-1, 0}; });
  check_refused(
      QUIRE_INVALID_ARG, "layer_rope and layer_window must be given: layers=2",
      [](Config& c) { c.layer_window = nullptr; }, true);
  check_refused(
      QUIRE_INVALID_ARG, "the numbers of every rope must be given: ropes=1",
      [](Config& c) { c.inverse_frequency = nullptr; }, true);
}

TEST(open_sizesWhoseProductWraps_areRefusedAsMemory) {
  Config config = small_config();
  config.vocabulary = INT32_MAX;
  config.max_rows = INT32_MAX;
  quire_context* context = nullptr;
  CHECK(quire_open(config.get(), &context) == QUIRE_OOM, "%s", quire_last_error());
}

// A model in which every weight that the interface knows is there.
struct Whole {
  Config config;
  std::vector<std::unique_ptr<Matrix>> layer;  // of one layer, null: none; both layers are the same
  std::vector<std::unique_ptr<Matrix>> model;

  Whole(int32_t norm, int32_t activation, Random& random) : config(small_config()) {
    config.embedding = 57;  // no multiple of anything
    config.feed_forward = 83;
    config.vocabulary = 131;
    config.norm = norm;
    config.activation = activation;
    config.embedding_scale = 3;
    config.head_dim = 20;
    config.attention_scale = 0.2f;
    config.add_rope(QUIRE_PAIRS_HALVES, 12, 10000, 1.25f);
    config.add_rope(QUIRE_PAIRS_ADJACENT, 20, 100);
    config.layer_ropes = {0, 1};
    config.windows = {7, 0};
    const int64_t e = config.embedding;
    const int64_t f = config.feed_forward;
    const int64_t q = 6 * 20;
    const int64_t kv = 2 * 20;
    const bool bias = norm == QUIRE_NORM_LAYER;
    const int64_t gate = activation == QUIRE_GELU ? 0 : f;
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{1, e},
                                     {bias, e},
                                     {q, e},
                                     {1, q},
                                     {kv, e},
                                     {1, kv},
                                     {kv, e},
                                     {1, kv},
                                     {1, 20},
                                     {1, 20},
                                     {e, q},
                                     {1, e},
                                     {1, e},
                                     {1, e},
                                     {bias, e},
                                     {gate, e},
                                     {gate > 0, f},
                                     {f, e},
                                     {1, f},
                                     {e, f},
                                     {1, e},
                                     {1, e}}) {
      layer.push_back(matrix(rows, cols, random));
    }
    for (const auto& [rows, cols] :
         {std::pair<int64_t, int64_t>{131, e}, {600, e}, {1, e}, {bias, e}, {131, e}}) {
      model.push_back(matrix(rows, cols, random));
    }
  }

  static std::unique_ptr<Matrix> matrix(int64_t rows, int64_t cols, Random& random) {
    return rows == 0 ? nullptr : random_matrix(QUIRE_F32, rows, cols, random);
  }

  static std::vector<int32_t> ids(quire_context* context,
                                  const std::vector<std::unique_ptr<Matrix>>& weights) {
    std::vector<int32_t> out;
    for (const auto& m : weights) {
      out.push_back(
          m == nullptr ? -1 : quire_weight(context, m->type, m->rows, m->cols, m->packed->data));
    }
    return out;
  }

  int32_t bind(quire_context* context, int32_t place = -1, int32_t id = -1) const {
    std::vector<int32_t> once = ids(context, layer);
    if (place >= 0) once[static_cast<size_t>(place)] = id;
    std::vector<int32_t> all = once;
    all.insert(all.end(), once.begin(), once.end());
    return quire_bind(context, all.data(), ids(context, model).data());
  }
};

TEST(bind_weightsThatDoNotFit_areRefused) {
  Random random{20};
  const Whole whole(QUIRE_NORM_RMS, QUIRE_GELU, random);
  Context c(whole.config);
  CHECK(whole.bind(c.context) == QUIRE_OK, "%s", quire_last_error());
  const auto other = random_matrix(QUIRE_F32, 2, 57, random);
  const int32_t id = quire_weight(c.context, QUIRE_F32, 2, 57, other->packed->data);
  CHECK(whole.bind(c.context, 0, -1) == QUIRE_INVALID_ARG, "no norm");
  CHECK(strcmp(quire_last_error(),
               "weight must be registered: weight=attention_norm, layer=0, id=-1") == 0,
        "%s", quire_last_error());
  CHECK(whole.bind(c.context, 2, id + 1000) == QUIRE_INVALID_ARG, "unknown id");
  CHECK(whole.bind(c.context, 3, -2) == QUIRE_INVALID_ARG, "id -2");
  CHECK(whole.bind(c.context, 12, id) == QUIRE_UNSUPPORTED_SHAPE, "two rows");
  CHECK(strcmp(quire_last_error(),
               "weight must have the model's shape: weight=post_attention_norm, layer=0, rows=2, "
               "expected=1, cols=57, expected=57") == 0,
        "%s", quire_last_error());
  CHECK(whole.bind(c.context, 1, 0) == QUIRE_INVALID_ARG, "bias of an RMS norm");
  CHECK(strcmp(quire_last_error(),
               "a norm's bias needs a layer norm: weight=attention_norm_bias, layer=0, id=0, "
               "norm=0") == 0,
        "%s", quire_last_error());
  CHECK(whole.bind(c.context, 15, 0) == QUIRE_INVALID_ARG, "gate without a gated activation");
  CHECK(strcmp(quire_last_error(),
               "gate must be absent where the activation has none: layer=0, id=0, bias=-1, "
               "activation=2") == 0,
        "%s", quire_last_error());
  CHECK(whole.bind(c.context) == QUIRE_OK, "%s", quire_last_error());
}

using Row = std::vector<double>;

// The forward pass of `Whole` in double precision, keys and values rounded to float16.
struct Naive {
  const Whole& whole;
  std::vector<std::vector<Row>> keys{2}, values{2};  // [layer][position]

  const Matrix* weight(int place) const { return whole.layer[static_cast<size_t>(place)].get(); }

  static Row add(Row a, const Row& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  static Row product(const Matrix* m, const Row& in, const Matrix* bias) {
    Row out(static_cast<size_t>(m->rows));
    for (size_t r = 0; r < out.size(); ++r) {
      for (size_t k = 0; k < in.size(); ++k) out[r] += m->values[r * in.size() + k] * in[k];
    }
    return bias == nullptr ? out : add(out, bias->values);
  }
  Row normed(int32_t kind, const Row& in, const Matrix* m, const Matrix* bias) const {
    double mean = 0;
    if (kind == QUIRE_NORM_LAYER) {
      for (double x : in) mean += x / static_cast<double>(in.size());
    }
    double variance = 0;
    for (double x : in) variance += (x - mean) * (x - mean) / static_cast<double>(in.size());
    Row out(in.size());
    for (size_t i = 0; i < in.size(); ++i) {
      out[i] = (in[i] - mean) / sqrt(variance + static_cast<double>(whole.config.norm_epsilon)) *
               m->values[i];
    }
    return bias == nullptr ? out : add(out, bias->values);
  }
  Row norm(const Row& in, const Matrix* m, const Matrix* bias) const {
    return normed(whole.config.norm, in, m, bias);
  }

  void finish_heads(Row& row, int layer, int32_t position, const Matrix* head_norm) const {
    const size_t rope = static_cast<size_t>(layer);  // layer l has rope l
    const int32_t pairs = whole.config.dims[rope] / 2;
    const size_t first = rope == 0 ? 0 : static_cast<size_t>(whole.config.dims[0] / 2);
    for (size_t head = 0; head < row.size(); head += 20) {
      const Row turned(row.begin() + static_cast<int64_t>(head),
                       row.begin() + static_cast<int64_t>(head) + 20);
      const Row in = normed(QUIRE_NORM_RMS, turned, head_norm, nullptr);
      Row out = in;
      for (int32_t i = 0; i < pairs; ++i) {
        const bool adjacent = whole.config.pairs[rope] == QUIRE_PAIRS_ADJACENT;
        const size_t x = static_cast<size_t>(adjacent ? 2 * i : i);
        const size_t y = x + static_cast<size_t>(adjacent ? 1 : pairs);
        const double angle =
            position *
            static_cast<double>(whole.config.frequencies[first + static_cast<size_t>(i)]);
        const double m = whole.config.magnitudes[rope];
        out[x] = m * (in[x] * cos(angle) - in[y] * sin(angle));
        out[y] = m * (in[x] * sin(angle) + in[y] * cos(angle));
      }
      std::copy(out.begin(), out.end(), row.begin() + static_cast<int64_t>(head));
    }
  }

  Row attend(const Row& query, int layer, int32_t position) const {
    const int32_t window = whole.config.windows[static_cast<size_t>(layer)];
    const int32_t from = window == 0 || position < window ? 0 : position - window + 1;
    Row out(query.size());
    for (size_t head = 0; head < 6; ++head) {
      const size_t kv = head / 3 * 20;
      Row weights;
      double total = 0;
      for (int32_t p = from; p <= position; ++p) {
        const Row& key = keys[static_cast<size_t>(layer)][static_cast<size_t>(p)];
        double score = 0;
        for (size_t i = 0; i < 20; ++i) score += query[head * 20 + i] * key[kv + i];
        weights.push_back(exp(score * static_cast<double>(whole.config.attention_scale)));
        total += weights.back();
      }
      for (int32_t p = from; p <= position; ++p) {
        const Row& value = values[static_cast<size_t>(layer)][static_cast<size_t>(p)];
        for (size_t i = 0; i < 20; ++i) {
          out[head * 20 + i] += weights[static_cast<size_t>(p - from)] / total * value[kv + i];
        }
      }
    }
    return out;
  }

  static Row halves(const Row& in) {
    Row out;
    for (double x : in) out.push_back(half_to_float(float_to_half(static_cast<float>(x))));
    return out;
  }

  double hidden(double gate, double up) const {
    const auto gelu = [](double x) {
      return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    };
    switch (whole.config.activation) {
      case QUIRE_GATED_SILU:
        return gate / (1 + exp(-gate)) * up;
      case QUIRE_GATED_GELU:
        return gelu(gate) * up;
      default:
        return gelu(up);
    }
  }

  // Logits of `token` as the next one of the sequence.
  Row logits(int32_t token) {
    const int32_t position = static_cast<int32_t>(keys[0].size());
    Row x(57);
    for (size_t i = 0; i < 57; ++i) {
      x[i] = 3 * whole.model[0]->values[static_cast<size_t>(token) * 57 + i] +
             whole.model[1]->values[static_cast<size_t>(position) * 57 + i];
    }
    for (int layer = 0; layer < 2; ++layer) {
      const size_t l = static_cast<size_t>(layer);
      const Row n = norm(x, weight(0), weight(1));
      Row query = product(weight(2), n, weight(3));
      Row key = product(weight(4), n, weight(5));
      finish_heads(query, layer, position, weight(8));
      finish_heads(key, layer, position, weight(9));
      keys[l].push_back(halves(key));
      values[l].push_back(halves(product(weight(6), n, weight(7))));
      const Row attended = attend(query, layer, position);
      x = add(x, norm(product(weight(10), attended, weight(11)), weight(12), nullptr));
      const Row m = norm(x, weight(13), weight(14));
      Row up = product(weight(17), m, weight(18));
      const Row gate = weight(15) == nullptr ? up : product(weight(15), m, weight(16));
      for (size_t i = 0; i < up.size(); ++i) up[i] = hidden(gate[i], up[i]);
      x = add(x, norm(product(weight(19), up, weight(20)), weight(21), nullptr));
    }
    return product(whole.model[4].get(), norm(x, whole.model[2].get(), whole.model[3].get()),
                   nullptr);
  }
};

// Logits of every token of `tokens`, in steps of at most `chunk`.
static std::vector<float> native_logits(const Whole& whole, int32_t isa, int32_t threads,
                                        const std::vector<int32_t>& tokens, int32_t chunk,
                                        int32_t cache_type = QUIRE_CACHE_F16) {
  Config config = whole.config;
  config.cache_type = cache_type;
  config.isa = isa;
  config.threads = threads;
  config.max_rows = 64;
  Context c(config);
  CHECK(whole.bind(c.context) == QUIRE_OK, "%s", quire_last_error());
  Aligned memory(quire_block_bytes(c.context) * 4);
  memset(memory.data, 0xFF, static_cast<size_t>(quire_block_bytes(c.context) * 4));
  CHECK(quire_cache_open(c.context, 4, memory.data) == QUIRE_OK, "%s", quire_last_error());
  std::vector<float> out;
  const int32_t count = static_cast<int32_t>(tokens.size());
  for (int32_t from = 0; from < count; from += chunk) {
    const int32_t to = from + chunk < count ? from + chunk : count;
    Plan plan(config.table_stride);
    plan.add_sequence(to, to - from, {2, 0, 3});
    for (int32_t i = from; i < to; ++i) {
      plan.token[static_cast<size_t>(i - from)] = tokens[static_cast<size_t>(i)];
      plan.add_row(i - from);
    }
    CHECK(quire_step_begin(c.context, plan.get()) == QUIRE_OK, "%s", quire_last_error());
    quire_embed(c.context);
    for (int32_t layer = 0; layer < 2; ++layer) {
      quire_attention_input(c.context, layer);
      quire_paged_attention(c.context, layer);
      quire_attention_output(c.context, layer);
      quire_feed_forward_gate(c.context, layer);
      quire_feed_forward_down(c.context, layer);
    }
    CHECK(quire_logits(c.context) == QUIRE_OK, "%s", quire_last_error());
    const float* data = quire_logits_data(c.context);
    out.insert(out.end(), data, data + (to - from) * config.vocabulary);
    CHECK(quire_step_end(c.context) == QUIRE_OK, "%s", quire_last_error());
  }
  return out;
}

TEST(step_modelWithEverything_agreesWithDoubleAndKeepsItsBits) {
  Random random{21};
  for (const auto& [norm, activation] : {std::pair{QUIRE_NORM_RMS, QUIRE_GATED_GELU},
                                         {QUIRE_NORM_LAYER, QUIRE_GELU},
                                         {QUIRE_NORM_LAYER, QUIRE_GATED_SILU}}) {
    const Whole whole(norm, activation, random);
    std::vector<int32_t> tokens;
    for (int32_t i = 0; i < 40; ++i) tokens.push_back(random.below(131));
    const std::vector<float> expected = native_logits(whole, isas()[0], 1, tokens, 40);
    Naive naive = {whole};
    for (size_t t = 0; t < tokens.size(); ++t) {
      const Row exact = naive.logits(tokens[t]);
      double largest = 0;
      for (double x : exact) largest = fmax(largest, fabs(x));
      // As in the Java parity tests: sums of n terms err by n roundings, and a key or value a layer
      // may be rounded to the float16 beside.
      const double bound =
          largest * (6e-8 * (2 * (2 * 57 + 120 + 83 + 20 + 40) + 57) + 2 * 4.9e-4 / sqrt(20));
      for (size_t i = 0; i < exact.size(); ++i) {
        CHECK(fabs(static_cast<double>(expected[t * 131 + i]) - exact[i]) <= bound,
              "norm=%d, activation=%d, t=%zu, i=%zu, got=%g, expected=%g, bound=%g", norm,
              activation, t, i, static_cast<double>(expected[t * 131 + i]), exact[i], bound);
      }
    }
    for (int32_t isa : isas()) {
      for (int32_t threads : {1, 2, 3}) {
        for (int32_t chunk : {40, 7, 1}) {
          CHECK(same_bits(native_logits(whole, isa, threads, tokens, chunk), expected),
                "isa=%d, threads=%d, chunk=%d, norm=%d", isa, threads, chunk, norm);
        }
      }
    }
    for (int32_t type : {QUIRE_CACHE_BF16, QUIRE_CACHE_INT8}) {
      const std::vector<float> rounded = native_logits(whole, isas()[0], 1, tokens, 40, type);
      double error = 0;
      for (size_t i = 0; i < rounded.size(); ++i) {
        error += fabs(static_cast<double>(rounded[i] - expected[i]));
      }
      CHECK(error > 0 && error / static_cast<double>(rounded.size()) < 0.02, "type=%d, error=%g",
            type, error);
      for (int32_t isa : isas()) {
        for (int32_t threads : {1, 3}) {
          for (int32_t chunk : {40, 7, 1}) {
            CHECK(same_bits(native_logits(whole, isa, threads, tokens, chunk, type), rounded),
                  "type=%d, isa=%d, threads=%d, chunk=%d, norm=%d", type, isa, threads, chunk,
                  norm);
          }
        }
      }
    }
  }
}
