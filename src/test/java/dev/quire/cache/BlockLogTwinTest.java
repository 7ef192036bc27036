package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Events tell all: from them alone, reference counts are added up that must be the pool's, after each of many random
/// operations on tables and runs of every layout.
class BlockLogTwinTest {
    private static final int OPERATIONS = 20_000;
    private static final int TOKENS = 40;

    private final Set<BlockLog.Kind> seen = EnumSet.noneOf(BlockLog.Kind.class);
    private Random random;
    private CacheLayout layout;
    private BlockPool pool;
    private SequenceBlocks[] sequences;
    private int[] tokens; // that each sequence has computed
    private int[] counted; // references, by the events
    private int[] held; // blocks whose content somebody may rely on, by the events: 0 once it was evicted
    private final BlockCopies copies = new BlockCopies(200);

    private void open(long seed, CacheLayout chosen) {
        random = new Random(seed);
        layout = chosen;
        pool = layout.pool();
        sequences = new SequenceBlocks[6];
        tokens = new int[sequences.length];
        counted = new int[pool.blocks()];
        held = new int[pool.blocks()];
        for (int i = 0; i < sequences.length; i++) {
            sequences[i] = fresh();
        }
        pool.log().record(true);
    }

    /// Two beginnings, so that some share.
    private SequenceBlocks fresh() {
        int[] token = IntStream.range(0, TOKENS).toArray();
        token[random.nextInt(TOKENS)] = random.nextInt(3);
        return layout.sequence(token, TOKENS, "");
    }

    private void replay() {
        BlockLog log = pool.log();
        assertEquals(0, log.dropped());
        for (int i = 0; i < log.count(); i++) {
            int block = log.block(i);
            int other = log.other(i);
            seen.add(log.kind(i));
            switch (log.kind(i)) {
                case ALLOCATED -> {
                    assertEquals(0, counted[block]);
                    assertEquals(0, held[block], "a cached block must be evicted before it is taken");
                    assertEquals(++counted[block], other);
                }
                case SHARED -> assertEquals(++counted[block], other);
                case RELEASED -> assertEquals(--counted[block], other);
                case SWAPPED_IN -> counted[block]++;
                case SWAPPED_OUT -> counted[block]--;
                case COPIED -> assertTrue(counted[block] > 0 && counted[other] == 1);
                case EVICTED -> {
                    assertEquals(1, held[block], "only a cached block is evicted");
                    held[block] = 0;
                }
                case MOVED -> {
                    counted[other] = counted[block];
                    counted[block] = 0;
                }
            }
        }
        log.clear();
        for (int block = 0; block < counted.length; block++) {
            assertEquals(pool.refCount(block), counted[block]);
            held[block] = pool.state(block) == BlockPool.State.CACHED ? 1 : 0;
        }
    }

    private void operate(int i) {
        SequenceBlocks blocks = sequences[i];
        if (blocks.blocks() == 0) {
            begin(i);
        } else if (blocks.swapped()) {
            if (random.nextInt(8) == 0) {
                end(i);
            } else if (blocks.out()) {
                blocks.swapIn(random.nextInt(2));
            }
        } else if (blocks.here()) {
            go(i);
        } else if (random.nextInt(8) == 0) {
            end(i);
        }
    }

    private void begin(int i) {
        sequences[i] = fresh();
        int first = 1 + random.nextInt(TOKENS / 2);
        if (sequences[i].open(first, first, random.nextInt(2)) == 0) {
            compute(i, first);
        }
    }

    private void compute(int i, int to) {
        sequences[i].plan(to);
        sequences[i].append(to - sequences[i].length());
        tokens[i] = to;
    }

    private void go(int i) {
        switch (random.nextInt(8)) {
            case 0 -> end(i);
            case 1 -> sequences[i].swapOut();
            case 2, 3 -> fork(i, random.nextInt(sequences.length));
            default -> {
                int to = Math.min(TOKENS, tokens[i] + 1 + random.nextInt(6));
                copies.clear();
                if (to > tokens[i] && sequences[i].reserve(to, copies) == 0) {
                    compute(i, to);
                }
            }
        }
    }

    /// To a sequence with the same tokens, if it holds nothing and the layout lets it.
    private void fork(int i, int to) {
        if (to != i && sequences[to].blocks() == 0 && sequences[i].blocks() == pool.blocksFor(tokens[i])) {
            copies.clear();
            try {
                if (sequences[i].fork(sequences[to], copies) == 0) {
                    tokens[to] = tokens[i];
                }
            } catch (IllegalStateException e) {
                return; // other tokens: nothing has changed, and nothing may have been told
            }
        }
    }

    private void end(int i) {
        if (random.nextInt(4) == 0) {
            sequences[i].forget();
        }
        sequences[i].release();
        tokens[i] = 0;
    }

    private void transfer() {
        BlockTransfers transfers = layout.transfers();
        if (random.nextBoolean()) {
            transfers.begun(transfers.due(), ticket++);
        } else if (transfers.inFlight() > 0) {
            transfers.done();
        }
    }

    private long ticket;

    private void run(long seed, CacheLayout chosen) {
        open(seed, chosen);
        for (int operation = 0; operation < OPERATIONS; operation++) {
            operate(random.nextInt(sequences.length));
            replay();
            if (layout.transfers().due() + layout.transfers().inFlight() > 0) {
                transfer();
                replay();
            }
        }
        for (SequenceBlocks each : sequences) {
            each.release();
        }
        replay();
        assertArrayEquals(new int[pool.blocks()], counted);
    }

    private void assertSeen(BlockLog.Kind... kinds) {
        assertEquals(EnumSet.copyOf(Arrays.asList(kinds)), seen);
    }

    @Test
    void pagedLayout_eventsAddUpToItsReferences() {
        for (int blocks : new int[] {7, 16, 40}) {
            run(blocks, new PagedLayout(new BlockPool(blocks, 4, new PrefixIndex(blocks, 4)), new SwapSpace(9)));
        }
        assertSeen(
                BlockLog.Kind.ALLOCATED,
                BlockLog.Kind.SHARED,
                BlockLog.Kind.COPIED,
                BlockLog.Kind.EVICTED,
                BlockLog.Kind.SWAPPED_OUT,
                BlockLog.Kind.SWAPPED_IN,
                BlockLog.Kind.RELEASED);
    }

    @Test
    void contiguousLayouts_eventsAddUpToTheirReferences() {
        for (RunAllocator.Policy policy : RunAllocator.Policy.values()) {
            run(3, new ContiguousLayout(new BlockPool(32, 4), policy, ContiguousLayout.Reserve.ESTIMATE, TOKENS, 2));
        }
        assertSeen(BlockLog.Kind.ALLOCATED, BlockLog.Kind.COPIED, BlockLog.Kind.RELEASED);
    }

    @Test
    void layoutThatKeepsNothing_eventsAddUpToItsReferences() {
        run(5, new UncachedLayout(new BlockPool(20, 4)));
        assertSeen(BlockLog.Kind.ALLOCATED, BlockLog.Kind.SHARED, BlockLog.Kind.COPIED, BlockLog.Kind.RELEASED);
    }
}
