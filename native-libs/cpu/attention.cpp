// Which thread attends to what.
//
// A work item is a tile of up to 48 query rows (a KV head's query heads times neighbouring tokens
// of a sequence) and its whole context, chunk after chunk; threads draw items from one counter,
// those of the last tokens, which have the longest contexts, first. When there are too few items
// (long contexts, few tokens), an item is one chunk, and a second pass merges the chunks in order:
// the same operations in the same order, so the same bits. Chunks that lie before the window of all
// rows of an item are left out.
#include "attention.h"

#include <string.h>

#include "project.h"

namespace quire {

constexpr int32_t kLeastRows = 12;  // of a tile that shares the reading of pages

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
  const uint8_t* layer;
  int32_t window;
  const float* query;
  float* out;

  int64_t partial_size() const { return 2 + context.layout.value_dim; }

  float* partial(int64_t token, int64_t head, int64_t chunk) const {
    const int64_t row = token * context.config.heads + head;
    return context.partial.get() + (row * context.chunks + chunk) * partial_size();
  }

  AttentionTile tile_of(int32_t seq, int32_t kv_head, int32_t worker) const {
    AttentionTile tile = {};
    tile.layout = context.layout;
    tile.pages = layer + kv_head * context.layout.head_bytes;
    tile.block_table = plan.block_table + int64_t{seq} * context.config.table_stride;
    tile.scale = context.config.attention_scale;
    tile.prepared =
        context.prepared.get() + int64_t{worker} * kPreparedRows * context.config.head_dim;
    return tile;
  }

  Chunks chunks_of(int32_t position) const {
    return {first_position(window, position) / kChunkTokens, position / kChunkTokens + 1};
  }

  // Rows [row, row + tile.rows) of a work item: row = token * group + head of the group. Returns
  // the chunks that any of them needs.
  Chunks place_rows(AttentionTile& tile, const QueryTile& item, int32_t kv_head,
                    int32_t row) const {
    const int32_t left = item.tokens * context.group - row;
    tile.rows = left < kAttentionRows ? left : kAttentionRows;
    for (int32_t r = 0; r < tile.rows; ++r) {
      const int32_t token = item.first + (row + r) / context.group;
      const int64_t head = kv_head * context.group + (row + r) % context.group;
      tile.query[r] = query + token * context.query_width + head * context.config.head_dim;
      tile.first[r] = first_position(window, plan.position[token]);
      tile.limit[r] = plan.position[token] + 1;
    }
    context.kernels->attention_prepare(tile);
    // Positions rise with the rows.
    return {tile.first[0] / kChunkTokens,
            (tile.limit[tile.rows - 1] + kChunkTokens - 1) / kChunkTokens};
  }

  void whole_context(const QueryTile& item, int32_t kv_head, int32_t worker) const {
    const KernelTable& kernels = *context.kernels;
    AttentionTile tile = tile_of(item.seq, kv_head, worker);
    float* running[kAttentionRows];
    float* next[kAttentionRows];
    for (int32_t r = 0; r < kAttentionRows; ++r) {
      running[r] =
          context.running.get() + (int64_t{worker} * 2 * kAttentionRows + r) * partial_size();
      next[r] = running[r] + kAttentionRows * partial_size();
    }
    for (int32_t row = 0; row < item.tokens * context.group; row += tile.rows) {
      const Chunks chunks = place_rows(tile, item, kv_head, row);
      for (tile.chunk = chunks.begin; tile.chunk < chunks.end; ++tile.chunk) {
        const bool first = tile.chunk == chunks.begin;
        memcpy(tile.partial, first ? running : next, sizeof running);
        kernels.attention_chunk(tile);
        if (!first) kernels.attention_merge(running, next, tile.rows, context.layout.value_dim);
      }
      for (int32_t r = 0; r < tile.rows; ++r) {
        kernels.attention_finish(running[r], context.config.head_dim,
                                 out + (tile.query[r] - query));
      }
    }
  }

  void one_chunk(const QueryTile& item, int32_t kv_head, int32_t chunk, int32_t worker) const {
    AttentionTile tile = tile_of(item.seq, kv_head, worker);
    tile.chunk = chunk;
    for (int32_t row = 0; row < item.tokens * context.group; row += tile.rows) {
      const Chunks chunks = place_rows(tile, item, kv_head, row);
      if (chunk < chunks.begin || chunk >= chunks.end) continue;
      for (int32_t r = 0; r < tile.rows; ++r) {
        const int64_t token = item.first + (row + r) / context.group;
        tile.partial[r] =
            partial(token, kv_head * context.group + (row + r) % context.group, chunk);
      }
      context.kernels->attention_chunk(tile);
    }
  }

  void merge(int64_t token, int64_t head) const {
    const KernelTable& kernels = *context.kernels;
    const Chunks chunks = chunks_of(plan.position[token]);
    float* running = partial(token, head, chunks.begin);
    for (int32_t chunk = chunks.begin + 1; chunk < chunks.end; ++chunk) {
      const float* next = partial(token, head, chunk);
      kernels.attention_merge(&running, &next, 1, context.layout.value_dim);
    }
    const int32_t head_dim = context.config.head_dim;
    kernels.attention_finish(running, head_dim,
                             out + token * context.query_width + head * head_dim);
  }
};

// Tokens of a work item: as many as fill it, but so few that every thread has items.
static int32_t tile_tokens(const quire_context& context, int64_t tokens) {
  const int64_t wanted = 4 * int64_t{context.pool->threads()};
  int32_t rows = kAttentionRows;
  while (rows > kLeastRows && tokens * context.config.heads / rows < wanted) rows /= 2;
  return rows > context.group ? rows / context.group : 1;
}

// Tiles of the plan's tokens into context.query_tiles; returns how many.
static int32_t make_tiles(quire_context& context, const quire_plan& plan) {
  const int32_t tokens = tile_tokens(context, plan.tokens);
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
                               context.cache + layer * context.layer_bytes,
                               context.windows[static_cast<size_t>(layer)],
                               query,
                               out};
  ThreadPool& pool = *context.pool;
  const int64_t kv_heads = context.config.kv_heads;
  const int64_t items = make_tiles(context, plan) * kv_heads;
  const Chunks all = all_chunks(attention);
  const int64_t chunks = all.end - all.begin;
  const bool split = pool.threads() > 1 && chunks > 1 && items < 4 * pool.threads() &&
                     plan.tokens <= context.split_tokens;
  context.next_item.store(0, std::memory_order_relaxed);
  if (!split) {
    pool.run([&](int32_t worker) {
      for (int64_t i; (i = context.next_item.fetch_add(1)) < items;) {
        const int64_t item = items - 1 - i;
        attention.whole_context(context.query_tiles[item / kv_heads],
                                static_cast<int32_t>(item % kv_heads), worker);
      }
    });
    return;
  }
  pool.run([&](int32_t worker) {
    for (int64_t i; (i = context.next_item.fetch_add(1)) < items * chunks;) {
      attention.one_chunk(context.query_tiles[i / chunks / kv_heads],
                          static_cast<int32_t>(i / chunks % kv_heads),
                          all.begin + static_cast<int32_t>(i % chunks), worker);
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
