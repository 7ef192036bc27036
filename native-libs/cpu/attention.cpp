// Which thread attends to what.
//
// A work item is a tile of up to 8 query rows (a KV head's query heads times neighbouring tokens of
// a sequence) and its whole context, chunk after chunk; threads draw items from one counter. When
// there are too few items (long contexts, few tokens), an item is one chunk, and a second pass
// merges the chunks in order: the same operations in the same order, so the same bits. Chunks that
// lie before the window of all rows of an item are left out.
#include "attention.h"

#include "project.h"

namespace quire {

// First of the positions that the token at `position` attends to; window 0: all.
static int32_t first_position(int32_t window, int32_t position) {
  return window == 0 || position < window ? 0 : position - window + 1;
}

// Chunks [begin, end).
struct Chunks {
  int32_t begin, end;
};

struct Attention {
  quire_context& context;
  const quire_plan& plan;
  const uint16_t* layer;
  int32_t window;
  const float* query;
  float* out;

  int64_t partial_size() const { return 2 + context.value_dim; }

  float* partial(int64_t token, int64_t head, int64_t chunk) const {
    const int64_t row = token * context.config.heads + head;
    return context.partial.get() + (row * context.chunks + chunk) * partial_size();
  }

  AttentionChunk chunk_of(int32_t seq, int32_t kv_head) const {
    AttentionChunk c = {};
    c.pages = layer + kv_head * context.head_elements;
    c.block_stride = context.block_elements;
    c.block_table = plan.block_table + int64_t{seq} * context.config.table_stride;
    c.head_dim = context.config.head_dim;
    c.value_dim = context.value_dim;
    c.scale = context.config.attention_scale;
    return c;
  }

  Chunks chunks_of(int32_t position) const {
    return {first_position(window, position) / kChunkTokens, position / kChunkTokens + 1};
  }

  // Rows [row, row + c.rows) of a tile: row = token * group + head of the group. Returns the chunks
  // that any of them needs.
  Chunks place_rows(AttentionChunk& c, const QueryTile& tile, int32_t kv_head, int32_t row) const {
    for (int32_t r = 0; r < c.rows; ++r) {
      const int32_t token = tile.first + (row + r) / context.group;
      const int64_t head = kv_head * context.group + (row + r) % context.group;
      c.query[r] = query + token * context.query_width + head * c.head_dim;
      c.first[r] = first_position(window, plan.position[token]);
      c.limit[r] = plan.position[token] + 1;
    }
    // Positions rise with the rows.
    return {c.first[0] / kChunkTokens, (c.limit[c.rows - 1] + kChunkTokens - 1) / kChunkTokens};
  }

  // Rows that one call takes, from `row` on.
  int32_t rows_from(const QueryTile& tile, int32_t row) const {
    const int32_t left = tile.tokens * context.group - row;
    return left < kAttentionRows ? left : kAttentionRows;
  }

  void whole_context(const QueryTile& tile, int32_t kv_head, float* scratch) const {
    const KernelTable& kernels = *context.kernels;
    AttentionChunk c = chunk_of(tile.seq, kv_head);
    for (int32_t row = 0; row < tile.tokens * context.group; row += c.rows) {
      c.rows = rows_from(tile, row);
      const Chunks chunks = place_rows(c, tile, kv_head, row);
      float* running = scratch;
      float* next = scratch + kAttentionRows * partial_size();
      for (c.chunk = chunks.begin; c.chunk < chunks.end; ++c.chunk) {
        const bool merges = c.chunk > chunks.begin;
        for (int32_t r = 0; r < c.rows; ++r) {
          c.partial[r] = (merges ? next : running) + r * partial_size();
        }
        kernels.attention_chunk(c);
        for (int32_t r = 0; merges && r < c.rows; ++r) {
          kernels.attention_merge(running + r * partial_size(), c.partial[r], c.value_dim);
        }
      }
      for (int32_t r = 0; r < c.rows; ++r) {
        kernels.attention_finish(running + r * partial_size(), c.head_dim,
                                 out + (c.query[r] - query));
      }
    }
  }

  void one_chunk(const QueryTile& tile, int32_t kv_head, int32_t chunk) const {
    AttentionChunk c = chunk_of(tile.seq, kv_head);
    c.chunk = chunk;
    for (int32_t row = 0; row < tile.tokens * context.group; row += c.rows) {
      c.rows = rows_from(tile, row);
      const Chunks chunks = place_rows(c, tile, kv_head, row);
      if (chunk < chunks.begin || chunk >= chunks.end) continue;
      for (int32_t r = 0; r < c.rows; ++r) {
        const int64_t token = tile.first + (row + r) / context.group;
        c.partial[r] = partial(token, kv_head * context.group + (row + r) % context.group, chunk);
      }
      context.kernels->attention_chunk(c);
    }
  }

  void merge(int64_t token, int64_t head) const {
    const KernelTable& kernels = *context.kernels;
    const Chunks chunks = chunks_of(plan.position[token]);
    float* running = partial(token, head, chunks.begin);
    for (int32_t chunk = chunks.begin + 1; chunk < chunks.end; ++chunk) {
      kernels.attention_merge(running, partial(token, head, chunk), context.value_dim);
    }
    const int32_t head_dim = context.config.head_dim;
    kernels.attention_finish(running, head_dim,
                             out + token * context.query_width + head * head_dim);
  }
};

// Tiles of the plan's tokens into context.query_tiles; returns how many.
static int32_t make_tiles(quire_context& context, const quire_plan& plan) {
  const int32_t fitting = kAttentionRows / context.group;
  const int32_t tokens = fitting > 1 ? fitting : 1;
  int32_t tiles = 0;
  for (int32_t seq = 0; seq < plan.seqs; ++seq) {
    const int32_t end = plan.query_start[seq + 1];
    for (int32_t first = plan.query_start[seq]; first < end; first += tokens) {
      context.query_tiles[tiles++] = {seq, first, end - first < tokens ? end - first : tokens};
    }
  }
  return tiles;
}

// The chunks that any token of the plan needs.
static Chunks all_chunks(const Attention& attention) {
  Chunks all = attention.chunks_of(attention.plan.position[0]);
  for (int32_t token = 1; token < attention.plan.tokens; ++token) {
    const Chunks own = attention.chunks_of(attention.plan.position[token]);
    all.begin = own.begin < all.begin ? own.begin : all.begin;
    all.end = own.end > all.end ? own.end : all.end;
  }
  return all;
}

void attend(quire_context& context, int32_t layer, const quire_plan& plan, const float* query,
            float* out) {
  if (plan.tokens == 0) return;
  const Attention attention = {context,
                               plan,
                               context.cache + layer * context.layer_elements,
                               context.windows[static_cast<size_t>(layer)],
                               query,
                               out};
  ThreadPool& pool = *context.pool;
  const int64_t kv_heads = context.config.kv_heads;
  const int64_t items = make_tiles(context, plan) * kv_heads;
  const Chunks all = all_chunks(attention);
  const int64_t chunks = all.end - all.begin;
  const int64_t running = 2 * kAttentionRows * attention.partial_size();
  const bool split = pool.threads() > 1 && chunks > 1 && items < 4 * pool.threads() &&
                     plan.tokens <= context.split_tokens;
  context.next_item.store(0, std::memory_order_relaxed);
  if (!split) {
    pool.run([&](int32_t worker) {
      for (int64_t i; (i = context.next_item.fetch_add(1)) < items;) {
        attention.whole_context(context.query_tiles[i / kv_heads],
                                static_cast<int32_t>(i % kv_heads),
                                context.running.get() + worker * running);
      }
    });
    return;
  }
  pool.run([&](int32_t) {
    for (int64_t i; (i = context.next_item.fetch_add(1)) < items * chunks;) {
      attention.one_chunk(context.query_tiles[i / chunks / kv_heads],
                          static_cast<int32_t>(i / chunks % kv_heads),
                          all.begin + static_cast<int32_t>(i % chunks));
    }
  });
  const int64_t rows = int64_t{plan.tokens} * context.config.heads;
  in_parallel(context, rows, 1, [&](Range part) {
    for (int64_t row = part.begin; row < part.end; ++row) {
      attention.merge(row / context.config.heads, row % context.config.heads);
    }
  });
}

}  // namespace quire
