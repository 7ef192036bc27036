package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.SequenceBlocks;
import dev.quire.engine.StatsBoard.Entry;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;

/// What pool and scheduler hold at this moment, copied for other threads: between two steps, on the engine thread.
///
/// Cost of a look at blocks: O(limit + entries of all tables); at sequences: O(sequences · log limit). Not
/// thread-safe: the engine thread owns it.
final class Inspector {
    private final BlockPool pool;
    private final Scheduler scheduler;
    private final StatsBoard stats;

    Inspector(BlockPool pool, Scheduler scheduler, StatsBoard stats) {
        this.pool = pool;
        this.scheduler = scheduler;
        this.stats = stats;
    }

    /// At most `limit` blocks from block `from` on.
    CachePage<CacheBlock> blocks(int from, int limit) {
        int first = Math.min(from, pool.blocks());
        int count = Math.min(limit, pool.blocks() - first);
        long[][] owners = owners(first, count);
        List<CacheBlock> blocks = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            blocks.add(block(first + i, owners[i]));
        }
        return new CachePage<>(step(), blocks, first + count < pool.blocks());
    }

    private CacheBlock block(int block, long[] owners) {
        return new CacheBlock(
                block,
                switch (pool.state(block)) {
                    case FREE -> CacheBlock.State.FREE;
                    case CACHED -> CacheBlock.State.CACHED;
                    case IN_USE -> CacheBlock.State.IN_USE;
                    case IN_TRANSIT -> CacheBlock.State.IN_TRANSIT;
                },
                pool.refCount(block),
                pool.used(block),
                owners,
                unusedMillis(block));
    }

    private OptionalLong unusedMillis(int block) {
        if (pool.refCount(block) > 0) {
            return OptionalLong.of(0);
        }
        OptionalLong lastUse = pool.lastUse(block);
        return lastUse.isEmpty()
                ? lastUse
                : OptionalLong.of(TimeUnit.NANOSECONDS.toMillis(pool.now() - lastUse.getAsLong()));
    }

    /// The ids of those that hold each of `count` blocks from `first` on.
    private long[][] owners(int first, int count) {
        var owners = new long[count][];
        for (int i = 0; i < count; i++) {
            owners[i] = new long[Math.min(CacheBlock.MOST_OWNERS, pool.refCount(first + i))];
        }
        var found = new int[count];
        scheduler.forEach(sequence -> {
            SequenceBlocks table = sequence.table();
            for (int i = 0; i < table.blocks(); i++) {
                int at = table.block(i) - first; // below 0 for one in the swap space as well
                if (at >= 0 && at < count && found[at] < owners[at].length) {
                    owners[at][found[at]++] = sequence.arrival();
                }
            }
        });
        for (int i = 0; i < count; i++) {
            Arrays.sort(owners[i]);
        }
        return owners;
    }

    /// The `limit` first sequences, by id, whose ids are above `after`.
    CachePage<CacheSequence> sequences(long after, int limit) {
        var lowest =
                new PriorityQueue<>(Comparator.comparingLong(Sequence::arrival).reversed());
        scheduler.forEach(sequence -> {
            if (sequence.arrival() > after) {
                lowest.add(sequence);
                if (lowest.size() > limit + 1) {
                    lowest.remove();
                }
            }
        });
        boolean more = lowest.size() > limit;
        if (more) {
            lowest.remove();
        }
        var sequences = new ArrayList<CacheSequence>(lowest.size());
        while (!lowest.isEmpty()) {
            sequences.add(sequence(lowest.remove()));
        }
        return new CachePage<>(step(), sequences.reversed(), more);
    }

    /// The sequence with `id`, unless it has ended or was never there.
    Optional<CacheTable> table(long id) {
        var found = new ArrayList<Sequence>(1);
        scheduler.forEach(sequence -> {
            if (sequence.arrival() == id) {
                found.add(sequence);
            }
        });
        return found.stream().findFirst().map(this::table);
    }

    private CacheTable table(Sequence sequence) {
        SequenceBlocks table = sequence.table();
        var block = new int[table.blocks()];
        var references = new int[block.length];
        var tokens = new int[block.length];
        for (int i = 0; i < block.length; i++) {
            block[i] = table.block(i);
            if (block[i] >= 0) {
                references[i] = pool.refCount(block[i]);
                tokens[i] = pool.used(block[i]);
            }
        }
        return new CacheTable(step(), sequence(sequence), block, references, tokens);
    }

    private static CacheSequence sequence(Sequence sequence) {
        return new CacheSequence(
                sequence.arrival(),
                sequence.request(),
                switch (sequence.state()) {
                    case FOLLOWING -> CacheSequence.State.FOLLOWING;
                    case WAITING ->
                        sequence.table().swapped() ? CacheSequence.State.SWAPPED : CacheSequence.State.WAITING;
                    case LOADING -> CacheSequence.State.LOADING;
                    case RUNNING -> CacheSequence.State.RUNNING;
                    case ENDED ->
                        throw new IllegalStateException(
                                "scheduler must hold no sequence that has ended: arrival=" + sequence.arrival());
                },
                sequence.priority(),
                sequence.promptLength(),
                sequence.length() - sequence.promptLength(),
                sequence.computed(),
                sequence.cachedTokens(),
                sequence.table().blocks());
    }

    private long step() {
        return stats.value(Entry.STEPS);
    }
}
