package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.BlockTransfers;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.SwapSpace;
import dev.quire.engine.StatsBoard.Entry;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Looks at a pool with blocks of 4 tokens, with a scheduler that is stepped by hand.
class InspectorTest {
    private final StatsBoard stats = new StatsBoard(new Inbox(1));
    private BlockPool pool;
    private PagedLayout layout;
    private Scheduler scheduler;
    private Inspector inspector;
    private long arrivals;
    private long tickets;

    private void open(int blocks, int slots) {
        pool = new BlockPool(blocks, 4, new PrefixIndex(blocks, 4));
        layout = new PagedLayout(pool, new SwapSpace(slots));
        scheduler =
                new Scheduler(layout, new SchedulerLimits(100, 8, 8, 0), new PreemptionCost(PreemptionCost.Mode.SWAP));
        inspector = new Inspector(pool, scheduler, stats);
    }

    private List<Sequence> add(int priority, int[] prompt, int maxTokens, int choices) {
        var spec = new Sequence.Spec(
                arrivals,
                priority,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "",
                "cmpl-" + arrivals);
        arrivals += choices;
        List<Sequence> group = Sequence.group(spec, choices, layout);
        scheduler.add(group.getFirst());
        return group;
    }

    private static int[] prompt(int first, int length) {
        return IntStream.range(first, first + length).toArray();
    }

    /// One step; copies that are due are under way after it.
    private void step() {
        StepPlan plan = scheduler.plan();
        layout.transfers().begun(layout.transfers().due(), ++tickets);
        for (int i = 0; i < plan.sequences(); i++) {
            scheduler.computed(i);
        }
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            if (sequence.state() == Sequence.State.RUNNING && sequence.pending() == 0) {
                while (sequence.followers() > 0) {
                    scheduler.commit(scheduler.fork(sequence), 7);
                }
                scheduler.commit(sequence, 7);
            }
        }
        scheduler.checkInvariants();
    }

    private void land() {
        BlockTransfers transfers = layout.transfers();
        while (transfers.inFlight() > 0) {
            transfers.done();
        }
    }

    private CacheBlock block(int block) {
        return inspector.blocks(block, 1).items().getFirst();
    }

    private CacheSequence sequence(long id) {
        return inspector.table(id).orElseThrow().sequence();
    }

    @Test
    void blocks_ofAFreshPool_areFree_andWereNeverUsed() {
        open(3, 0);
        CachePage<CacheBlock> page = inspector.blocks(0, 2);
        assertTrue(page.more());
        assertEquals(2, page.items().size());
        CacheBlock block = page.items().get(1);
        assertEquals(1, block.block());
        assertEquals(CacheBlock.State.FREE, block.state());
        assertEquals(0, block.references());
        assertEquals(0, block.tokens());
        assertEquals(0, block.owners().length);
        assertEquals(OptionalLong.empty(), block.unusedMillis());
        assertFalse(inspector.blocks(2, 100).more());
        assertEquals(0, inspector.blocks(3, 100).items().size());
    }

    @Test
    void blocks_ofSequencesThatShare_nameBoth() {
        open(8, 0);
        add(0, prompt(0, 6), 9, 1);
        add(0, prompt(0, 7), 9, 1);
        step();
        CacheBlock shared = block(0);
        assertEquals(CacheBlock.State.IN_USE, shared.state());
        assertEquals(2, shared.references());
        assertEquals(4, shared.tokens());
        assertArrayEquals(new long[] {0, 1}, shared.owners());
        assertEquals(OptionalLong.of(0), shared.unusedMillis());
        CacheBlock own = block(2);
        assertEquals(1, own.references());
        assertEquals(3, own.tokens());
        assertArrayEquals(new long[] {1}, own.owners());
    }

    @Test
    void block_thatWasLetGo_saysHowLongAgo_byTheClockOfTheSteps() {
        open(8, 0);
        pool.clock(1_000_000_000L);
        Sequence sequence = add(0, prompt(0, 6), 9, 1).getFirst();
        step();
        pool.clock(2_000_000_000L);
        scheduler.end(sequence, TokenBuffer.Ending.CANCELLED, "");
        pool.clock(2_345_999_999L);
        assertEquals(CacheBlock.State.CACHED, block(0).state());
        assertEquals(4, block(0).tokens());
        assertEquals(OptionalLong.of(345), block(0).unusedMillis());
        assertEquals(CacheBlock.State.FREE, block(1).state());
        assertEquals(0, block(1).tokens());
        assertEquals(OptionalLong.of(345), block(1).unusedMillis());
        assertEquals(OptionalLong.empty(), block(2).unusedMillis());
    }

    @Test
    void sequence_thatIsSwapped_showsItsSlots_andItsBlocksAreInTransit() {
        open(4, 4);
        add(0, prompt(0, 6), 9, 1);
        add(1, prompt(50, 6), 9, 1);
        for (int i = 0; i < 4; i++) {
            step();
        }
        assertEquals(CacheSequence.State.SWAPPED, sequence(1).state());
        CacheTable table = inspector.table(1).orElseThrow();
        assertEquals(2, table.sequence().blocks());
        assertArrayEquals(new int[] {0, 0}, table.references());
        assertTrue(Arrays.stream(table.block()).allMatch(block -> block < 0), Arrays.toString(table.block()));
        long inTransit = inspector.blocks(0, 4).items().stream()
                .filter(block -> block.state() == CacheBlock.State.IN_TRANSIT)
                .count();
        assertEquals(2, inTransit);
        assertEquals(2, pool.inTransit());
        land();
        assertEquals(0, pool.inTransit());
        while (scheduler.running() > 0) { // until the other's end makes room
            land();
            step();
        }
        step();
        assertEquals(CacheSequence.State.LOADING, sequence(1).state());
        land();
        step();
        assertEquals(CacheSequence.State.RUNNING, sequence(1).state());
    }

    @Test
    void sequences_areCounted_andNamedByTheirRequest() {
        open(8, 0);
        List<Sequence> group = add(3, prompt(0, 6), 9, 2);
        assertEquals(new CacheSequence(0, "cmpl-0", CacheSequence.State.WAITING, 3, 6, 0, 0, 0, 0), sequence(0));
        assertEquals(new CacheSequence(1, "cmpl-0", CacheSequence.State.FOLLOWING, 3, 6, 0, 0, 0, 0), sequence(1));
        step();
        assertEquals(new CacheSequence(0, "cmpl-0", CacheSequence.State.RUNNING, 3, 6, 1, 6, 0, 2), sequence(0));
        assertEquals(new CacheSequence(1, "cmpl-0", CacheSequence.State.RUNNING, 3, 6, 1, 6, 0, 2), sequence(1));
        assertArrayEquals(new int[] {0, 1}, inspector.table(1).orElseThrow().block());
        assertArrayEquals(new int[] {2, 2}, inspector.table(1).orElseThrow().references());
        assertArrayEquals(new int[] {4, 2}, inspector.table(1).orElseThrow().tokens());
        scheduler.end(group.getFirst(), TokenBuffer.Ending.CANCELLED, "");
        assertTrue(inspector.table(0).isEmpty());
        assertTrue(inspector.table(2).isEmpty());
        add(0, prompt(0, 6), 1, 1);
        step();
        assertTrue(inspector.table(2).isEmpty(), "it has ended within the step");
    }

    @Test
    void page_saysTheStep() {
        open(2, 0);
        stats.begin();
        stats.put(Entry.STEPS, 42);
        stats.end();
        assertEquals(42, inspector.blocks(0, 1).step());
        assertEquals(42, inspector.sequences(-1, 1).step());
    }

    /// Pages of any length, put together, are the whole; owners are the references.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void randomWorkloads_pagesFitTogether(long seed) {
        open(24, 8);
        var random = new Random(seed);
        List<Sequence> all = new ArrayList<>();
        for (int turn = 0; turn < 200; turn++) {
            if (random.nextInt(3) == 0) {
                all.addAll(add(
                        random.nextInt(2),
                        prompt(10 * random.nextInt(2), 1 + random.nextInt(20)),
                        12,
                        1 + random.nextInt(3)));
            }
            if (random.nextInt(6) == 0 && !all.isEmpty()) {
                scheduler.end(all.get(random.nextInt(all.size())), TokenBuffer.Ending.CANCELLED, "");
            }
            if (random.nextBoolean()) {
                land();
            }
            if (!scheduler.idle()) {
                step();
            }
            all.removeIf(sequence -> sequence.state() == Sequence.State.ENDED);
            checkBlocks(1 + random.nextInt(10), all);
            checkSequences(1 + random.nextInt(4), all);
        }
    }

    private void checkBlocks(int limit, List<Sequence> all) {
        int next = 0;
        for (boolean more = true; more; ) {
            CachePage<CacheBlock> page = inspector.blocks(next, limit);
            for (CacheBlock block : page.items()) {
                long[] owners = all.stream()
                        .filter(sequence -> IntStream.range(0, sequence.table().blocks())
                                .anyMatch(i -> sequence.table().block(i) == block.block()))
                        .mapToLong(Sequence::arrival)
                        .sorted()
                        .toArray();
                assertEquals(next, block.block());
                assertEquals(pool.refCount(next), block.references());
                assertArrayEquals(owners, block.owners());
                next++;
            }
            more = page.more();
        }
        assertEquals(pool.blocks(), next);
    }

    private void checkSequences(int limit, List<Sequence> all) {
        List<Long> ids = new ArrayList<>();
        for (boolean more = true; more; ) {
            CachePage<CacheSequence> page = inspector.sequences(ids.isEmpty() ? -1 : ids.getLast(), limit);
            assertTrue(page.items().size() <= limit);
            page.items().forEach(sequence -> ids.add(sequence.id()));
            more = page.more();
        }
        assertEquals(all.stream().map(Sequence::arrival).sorted().toList(), ids);
    }
}
