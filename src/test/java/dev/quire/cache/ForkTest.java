package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Forks and copy-on-write, told with three openings of a story that are written from one prompt.
class ForkTest {
    private static final int BLOCK_SIZE = 16;

    private final BlockPool pool = new BlockPool(20, BLOCK_SIZE, new PrefixIndex(20, BLOCK_SIZE));
    private final BlockCopies copies = new BlockCopies(10);

    /// A sequence of 100 tokens that differs from others from token `prompt` on.
    private BlockTable table(int prompt, int choice) {
        int[] token = new int[100];
        Arrays.setAll(token, i -> i < prompt ? i : 1000 * choice + i);
        return new BlockTable(pool, token, "");
    }

    /// Three tables that hold a prompt of `prompt` tokens, computed once.
    private List<BlockTable> openings(int prompt) {
        var tables = new ArrayList<BlockTable>();
        tables.add(table(prompt, 0));
        assertEquals(0, tables.getFirst().open(prompt, prompt, 0));
        tables.getFirst().plan(prompt);
        tables.getFirst().append(prompt);
        for (int choice = 1; choice < 3; choice++) {
            tables.add(table(prompt, choice));
            tables.getFirst().fork(tables.getLast());
        }
        return tables;
    }

    private void write(BlockTable table) {
        assertEquals(0, table.reserve(table.length() + 1, copies));
        assertNotEquals(BlockTable.NO_SLOT, table.slot(table.length()));
        table.append(1);
    }

    private void check(List<BlockTable> tables) {
        pool.checkInvariants();
        tables.forEach(BlockTable::checkInvariants);
    }

    @Test
    void threeOpenings_ofOnePrompt_holdItsFullBlocksOnceWithThreeReferences() {
        List<BlockTable> tables = openings(48);
        for (int i = 0; i < 3; i++) {
            assertEquals(3, pool.refCount(tables.getFirst().block(i)));
            assertEquals(tables.get(1).block(i), tables.get(2).block(i));
        }
        assertEquals(3, pool.inUse());
        assertEquals(3, pool.shared());
        assertEquals(6, pool.saved());
        assertEquals(48, pool.tokensInUse());

        tables.forEach(this::write);
        assertEquals(0, copies.count()); // each goes on in a block of its own
        assertEquals(6, pool.inUse());
        assertEquals(3, pool.refCount(tables.getFirst().block(2)));
        check(tables);
    }

    @Test
    void threeOpenings_ofAPromptShorterThanABlock_shareItThenMakeTwoCopies() {
        List<BlockTable> tables = openings(10);
        int prompt = tables.getFirst().block(0);
        assertEquals(3, pool.refCount(prompt));
        assertEquals(1, pool.inUse());
        assertEquals(10, pool.tokensInUse());

        write(tables.get(0));
        assertEquals(2, pool.refCount(prompt));
        write(tables.get(1));
        assertEquals(1, pool.refCount(prompt));
        write(tables.get(2)); // the last holder writes in place
        assertEquals(2, copies.count());
        assertEquals(2, pool.copies());
        assertEquals(prompt, copies.source(0));
        assertEquals(prompt, copies.source(1));
        assertEquals(tables.get(0).block(0), copies.destination(0));
        assertEquals(tables.get(1).block(0), copies.destination(1));
        assertEquals(prompt, tables.get(2).block(0));
        assertEquals(3, pool.inUse());
        assertEquals(33, pool.tokensInUse());

        tables.forEach(this::write);
        assertEquals(2, copies.count());
        check(tables);
    }

    @Test
    void threeOpenings_ofFullBlocksAndATail_copyTheTailAlone() {
        List<BlockTable> tables = openings(40);
        assertEquals(40, tables.get(1).length());
        assertEquals(40, tables.get(1).sharedTokens());
        tables.forEach(this::write);
        assertEquals(2, copies.count());
        assertEquals(2 + 3, pool.inUse());
        assertEquals(2, pool.shared());
        assertEquals(32 + 3 * 9, pool.tokensInUse());
        check(tables);
        tables.forEach(BlockTable::release);
        assertEquals(2, pool.cached());
        assertEquals(18, pool.free());
        pool.checkInvariants();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7})
    void threeOpenings_ofAnyBlockSize_copyAPartlyFilledBlockTwiceOrNothing(int blockSize) {
        var odd = new BlockPool(30, blockSize);
        var first = new BlockTable(odd, 20);
        first.open(9, 9, 0);
        first.append(9);
        List<BlockTable> tables = List.of(first, new BlockTable(odd, 20), new BlockTable(odd, 20));
        first.fork(tables.get(1));
        first.fork(tables.get(2));
        tables.forEach(this::write);
        assertEquals(9 % blockSize == 0 ? 0 : 2, copies.count());
        tables.forEach(BlockTable::checkInvariants);
        odd.checkInvariants();
    }

    @Test
    void fork_child_writesNoSharedPosition() {
        List<BlockTable> tables = openings(18);
        BlockTable child = tables.get(1);
        assertEquals(BlockTable.NO_SLOT, child.slot(17));
        child.reserve(19, copies);
        assertEquals(child.block(1) * 16 + 2, child.slot(18));
        assertEquals(
                17 - 16 + tables.getFirst().block(1) * 16, tables.getFirst().slot(17));
    }

    @Test
    void fork_ofAFork_holdsTheSame() {
        List<BlockTable> tables = openings(18);
        var grandchild = table(18, 7);
        tables.get(2).fork(grandchild);
        assertEquals(4, pool.refCount(grandchild.block(1)));
        write(grandchild);
        assertEquals(3, pool.refCount(tables.getFirst().block(1)));
        check(tables);
    }

    @Test
    void fork_ofAnEmptyTable_isEmpty() {
        var child = table(0, 1);
        table(0, 0).fork(child);
        assertEquals(0, child.blocks());
        assertEquals(0, child.open(20, 20, 0));
    }

    @Test
    void fork_choicesThatDecodeTheSame_indexTheirBlockOnce() {
        var first = table(100, 0);
        first.open(18, 18, 0);
        first.append(18);
        var second = table(100, 0);
        first.fork(second);
        for (int i = 18; i < 40; i++) {
            write(first);
            write(second);
        }
        assertEquals(2, pool.index().size());
        assertNotEquals(first.block(1), second.block(1));
        check(List.of(first, second));
        second.release();
        first.release();
        assertEquals(2, pool.cached());
        pool.checkInvariants();
    }

    @Test
    void reserve_copyForWhichThereIsNoBlock_changesNothing() {
        List<BlockTable> tables = openings(10);
        pool.allocate(pool.available(), new int[20], 0);
        assertEquals(1, tables.getFirst().reserve(11, copies));
        assertEquals(2, tables.getFirst().reserve(17, copies));
        assertEquals(0, copies.count());
        assertEquals(0, pool.copies());
        assertEquals(3, pool.refCount(tables.getFirst().block(0)));
        check(tables);
    }

    @Test
    void reserve_copyForWhichThereIsNoRoom_isRefusedAndChangesNothing() {
        List<BlockTable> tables = openings(10);
        var none = new BlockCopies(0);
        var e = assertThrows(
                IllegalArgumentException.class, () -> tables.getFirst().reserve(11, none));
        assertEquals("copies must have room: capacity=0", e.getMessage());
        assertEquals(1, pool.inUse());
        check(tables);
    }

    @Test
    void reserve_nothingNew_copiesNothing() {
        List<BlockTable> tables = openings(10);
        assertEquals(0, tables.getFirst().reserve(10, copies));
        assertEquals(0, copies.count());
    }

    @Test
    void append_toASharedBlockThatWasNotReserved_isRefused() {
        List<BlockTable> tables = openings(10);
        var e = assertThrows(IllegalStateException.class, () -> tables.get(1).append(1));
        assertEquals("shared block must be copied before it is written: block=0, refCount=3", e.getMessage());
        assertEquals(10, tables.get(1).length());
        assertEquals(10, pool.used(0));
        assertThrows(IllegalStateException.class, () -> tables.get(1).plan(16));
        check(tables);
    }

    @Test
    void fork_whereItCannotHold_isRefused() {
        var first = table(40, 0);
        first.open(40, 40, 0);
        String message = "fork must go from a computed table to an empty one of the same pool,"
                + " tokens and salt: blocks=3, length=%d, child.blocks=%d, child.maxTokens=%d";
        first.plan(40);
        first.append(39);
        first.append(1);
        var full = table(40, 1);
        first.fork(full);
        refused(first, full, message.formatted(40, 3, 100));
        refused(first, new BlockTable(pool, new int[39], ""), message.formatted(40, 0, 39));
        refused(first, new BlockTable(pool, 100), message.formatted(40, 0, 100)); // not indexed
        refused(first, table(39, 1), message.formatted(40, 0, 100)); // another token
        int[] same = new int[100];
        Arrays.setAll(same, i -> i);
        refused(first, new BlockTable(pool, same, "salt"), message.formatted(40, 0, 100));
        var other = new BlockPool(20, BLOCK_SIZE);
        refused(first, new BlockTable(other, same, ""), message.formatted(40, 0, 100));
        assertEquals(2, pool.refCount(first.block(0)));
        check(List.of(first, full));
    }

    @Test
    void fork_reservedAndEmptyBlocks_stayTheParents() {
        var first = table(40, 0);
        first.open(40, 40, 0);
        first.plan(20);
        first.append(20);
        var child = table(40, 1);
        first.fork(child);
        assertEquals(3, first.blocks());
        assertEquals(2, child.blocks());
        assertEquals(20, child.length());
        check(List.of(first, child));
        assertEquals(0, child.reserve(40, copies));
        assertEquals(0, first.reserve(40, copies));
        assertEquals(1, copies.count(), "the first who writes copies, the other has the block alone then");
        assertNotEquals(first.block(2), child.block(2));
        check(List.of(first, child));
    }

    /// A beam that goes on from another one has its tokens from there on.
    @Test
    void rewritten_hashesWhatChanged_anew() {
        int[] tokens = new int[100];
        var first = new BlockTable(pool, tokens, "");
        compute(first, 48);
        first.release();
        assertEquals(3, pool.cached());
        Arrays.fill(tokens, 20, 48, 1);
        first.rewritten(20);
        first.open(48, 48, 0);
        assertEquals(16, first.sharedTokens(), "the first block is as it was");
        var e = assertThrows(IllegalStateException.class, () -> first.rewritten(20));
        assertEquals("table must be empty when its tokens change: blocks=3", e.getMessage());
        first.plan(48);
        first.append(32);
        var second = new BlockTable(pool, tokens.clone(), "");
        second.open(49, 49, 0);
        assertEquals(48, second.sharedTokens());
        check(List.of(first, second));
    }

    private static void compute(BlockTable table, int count) {
        table.open(count, count, 0);
        table.plan(count);
        table.append(count);
    }

    @Test
    void fork_whileBlocksArePending_isRefused() {
        var first = table(32, 0);
        first.open(32, 32, 0);
        first.plan(32);
        first.append(20);
        assertThrows(IllegalStateException.class, () -> first.fork(table(32, 1)));
        first.append(12);
        first.fork(table(32, 1));
        assertEquals(2, pool.refCount(first.block(1)));
    }

    private static void refused(BlockTable parent, BlockTable child, String message) {
        var e = assertThrows(IllegalStateException.class, () -> parent.fork(child));
        assertEquals(message, e.getMessage());
    }
}
