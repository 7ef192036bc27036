package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What cannot be done is refused: by the kind of failure that it is, with the values, and with everything as it
/// was.
class RefusalTest {
    private static final int BLOCK_SIZE = 4;

    /// Six blocks: two in use by a table of at most 40 tokens that holds 6, one cached, three free. Two slots to
    /// swap to.
    private final BlockPool pool = new BlockPool(6, BLOCK_SIZE, new PrefixIndex(6, BLOCK_SIZE));

    private final PagedLayout layout = new PagedLayout(pool, new SwapSpace(2));
    private final BlockCopies copies = new BlockCopies(16);
    private final SequenceBlocks table = layout.sequence(tokens(40, 100), 40, "");
    private final SequenceBlocks other = layout.sequence(tokens(40, 200), 40, "");
    private final ContiguousLayout runs = new ContiguousLayout(
            new BlockPool(6, BLOCK_SIZE), RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.REQUEST, 24, 0);
    private final SequenceBlocks run = runs.sequence(tokens(12, 300), 12, "");

    RefusalTest() {
        SequenceBlocks gone = layout.sequence(tokens(4, 50), 4, "");
        begin(gone, 4);
        gone.release();
        begin(table, 6);
        assertEquals(0, run.open(3, 0, 0));
        run.append(3);
    }

    private static int[] tokens(int count, int first) {
        int[] tokens = new int[count];
        Arrays.setAll(tokens, i -> first + i);
        return tokens;
    }

    private void begin(SequenceBlocks blocks, int tokens) {
        assertEquals(0, blocks.open(tokens, tokens, 0));
        blocks.plan(tokens);
        blocks.append(tokens);
    }

    /// All that can be seen of both caches.
    private String state() {
        pool.checkInvariants();
        layout.checkInvariants();
        runs.checkInvariants();
        List<Object> state = new ArrayList<>();
        for (BlockPool each : List.of(pool, runs.pool())) {
            state.add(List.of(each.free(), each.cached(), each.inUse(), each.inTransit(), each.shared(), each.saved()));
            state.add(List.of(
                    each.tokensInUse(),
                    each.evictions(),
                    each.copies(),
                    each.peak(),
                    each.index().size()));
            for (int block = 0; block < each.blocks(); block++) {
                state.add(List.of(each.refCount(block), each.used(block)));
            }
        }
        for (SequenceBlocks each : List.of(table, other, run)) {
            each.checkInvariants();
            state.add(List.of(each.blocks(), each.length(), each.capacity(), each.sharedTokens(), each.swapped()));
            for (int i = 0; i < each.blocks(); i++) {
                state.add(each.block(i));
            }
        }
        state.add(List.of(
                layout.space().free(),
                layout.transfers().due(),
                layout.transfers().inFlight()));
        state.add(List.of(copies.count(), runs.relocations(), runs.longestFree()));
        return state.toString();
    }

    private void refused(Class<? extends Exception> kind, String message, Executable what) {
        String before = state();
        assertEquals(message, assertThrows(kind, what).getMessage());
        assertEquals(before, state());
    }

    private void notToBeHad(int missing, IntSupplier what) {
        String before = state();
        assertEquals(missing, what.getAsInt());
        assertEquals(before, state());
    }

    @Test
    void doubleRelease() {
        int free = freeBlock();
        refused(IllegalStateException.class, "block must be in use: block=" + free, () -> pool.release(free));
        int cached = cachedBlock();
        refused(IllegalStateException.class, "block must be in use: block=" + cached, () -> pool.release(cached));
    }

    private int freeBlock() {
        for (int block = 0; block < pool.blocks(); block++) {
            if (pool.refCount(block) == 0 && !pool.index().contains(block)) {
                return block;
            }
        }
        throw new AssertionError("a block must be free");
    }

    private int cachedBlock() {
        for (int block = 0; block < pool.blocks(); block++) {
            if (pool.refCount(block) == 0 && pool.index().contains(block)) {
                return block;
            }
        }
        throw new AssertionError("a block must be cached");
    }

    @Test
    void unknownBlock() {
        for (int block : new int[] {-1, 6, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            String message = "block must be in the pool: block=" + block + ", blocks=6";
            refused(IllegalArgumentException.class, message, () -> pool.release(block));
            refused(IllegalArgumentException.class, message, () -> pool.retain(block));
            refused(IllegalArgumentException.class, message, () -> pool.refCount(block));
            refused(IllegalArgumentException.class, message, () -> pool.used(block));
        }
    }

    @Test
    void appendPastTheTable() {
        refused(
                IllegalStateException.class,
                "append must fit the reserved blocks: tokens=3, length=6, capacity=8",
                () -> table.append(3));
        refused(
                IllegalStateException.class,
                "append must fit the reserved blocks: tokens=-1, length=6, capacity=8",
                () -> table.append(-1));
        refused(
                IllegalStateException.class,
                "append must fit the reserved blocks: tokens=1, length=0, capacity=0",
                () -> other.append(1));
        refused(
                IllegalStateException.class,
                "append must fit the reserved blocks: tokens=10, length=3, capacity=12",
                () -> run.append(10));
    }

    @Test
    void moreThanTheSequenceCanGet() {
        refused(
                IllegalArgumentException.class,
                "tokens must fit the table: tokens=41, maxTokens=40",
                () -> table.reserve(41, copies));
        refused(
                IllegalArgumentException.class,
                "tokens must fit the table: tokens=41, maxTokens=40",
                () -> other.open(41, 0, 0));
        refused(
                IllegalArgumentException.class,
                "tokens must fit the run: tokens=13, maxTokens=12",
                () -> run.reserve(13, copies));
        refused(
                IllegalStateException.class,
                "plan must fit the reserved blocks: tokens=9, capacity=8",
                () -> table.plan(9));
    }

    @Test
    void positionNotMapped() {
        for (int position : new int[] {-1, 8, 39}) {
            refused(
                    IllegalArgumentException.class,
                    "position must lie in a reserved block: position=" + position + ", capacity=8",
                    () -> table.slot(position));
        }
        refused(
                IllegalArgumentException.class,
                "position must lie in a reserved block: position=12, capacity=12",
                () -> run.slot(12));
        refused(IllegalArgumentException.class, "index must be below blocks: index=2, blocks=2", () -> table.block(2));
    }

    @Test
    void blocksNotToBeHad() {
        notToBeHad(2, () -> other.open(24, 0, 0)); // six, of which four are left
        notToBeHad(1, () -> other.open(16, 0, 1));
        notToBeHad(4, () -> table.reserve(40, copies));
        notToBeHad(1, () -> pool.allocate(5, new int[5], 0));
    }

    @Test
    void runNotToBeHad() {
        SequenceBlocks longer = runs.sequence(tokens(16, 400), 16, "");
        notToBeHad(1, () -> longer.open(1, 0, 0)); // four, of which three are left
        SequenceBlocks fork = runs.sequence(tokens(24, 300), 24, "");
        notToBeHad(3, () -> run.fork(fork, copies));
        for (RunAllocator.Policy policy : RunAllocator.Policy.values()) {
            RunAllocator allocator = RunAllocator.of(policy, 6);
            int first = allocator.allocate(4);
            int free = allocator.free();
            assertEquals(RunAllocator.NONE, allocator.allocate(3));
            assertEquals(free, allocator.free());
            allocator.checkInvariants();
            int inside = first + 1;
            assertEquals(
                    "block must begin a run that is taken: block=" + inside + ", blocks=6",
                    assertThrows(IllegalArgumentException.class, () -> allocator.release(inside))
                            .getMessage());
            assertEquals(free, allocator.free());
            allocator.release(first);
            assertEquals(
                    "block must begin a run that is taken: block=" + first + ", blocks=6",
                    assertThrows(IllegalArgumentException.class, () -> allocator.release(first))
                            .getMessage());
            allocator.checkInvariants();
        }
    }

    /// Three blocks for two slots: they stay.
    @Test
    void swapSpaceFull() {
        assertEquals(0, table.reserve(9, copies));
        table.append(3);
        notToBeHad(0, table::swapOut);
        SwapSpace space = layout.space();
        int first = space.take();
        space.take();
        refused(IllegalStateException.class, "swap space must have a free slot: slots=2, free=0", space::take);
        space.landed(first);
        space.release(first);
        assertEquals(1, space.free());
    }

    @Test
    void whatIsInTheSwapSpace_isNotMapped() {
        assertEquals(2, table.swapOut());
        refused(
                IllegalStateException.class,
                "position must not be in the swap space: position=0, away=2",
                () -> table.slot(0));
        refused(
                IllegalStateException.class,
                "reserve must find every block in the pool: away=2",
                () -> table.reserve(7, copies));
        refused(IllegalStateException.class, "append must find every block in the pool: away=2", () -> table.append(1));
        refused(
                IllegalStateException.class,
                "blocks must be in the swap space before they come back: away=2, spare=0",
                () -> table.swapIn(0));
    }

    @Test
    void secondOpening() {
        refused(IllegalStateException.class, "table must be empty: blocks=2", () -> table.open(4, 4, 0));
        refused(IllegalStateException.class, "run must be empty: blocks=3", () -> run.open(3, 0, 0));
    }
}
