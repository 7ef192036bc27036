package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// Prefixes that another table is to compute in the same step: found before they are there, and lost if it fails.
class PendingPrefixTest {
    private final BlockPool pool = new BlockPool(12, 4, new PrefixIndex(12, 4));
    private final BlockCopies copies = new BlockCopies(10);

    /// The sequence 100, 101 …
    private BlockTable table() {
        int[] token = new int[40];
        Arrays.setAll(token, i -> 100 + i);
        return new BlockTable(pool, token, "");
    }

    @Test
    void open_pendingPrefix_isSharedInTheSameStep() {
        BlockTable first = table();
        first.open(11, 11, 0);
        first.plan(11);
        var others = new ArrayList<BlockTable>();
        for (int i = 0; i < 3; i++) {
            others.add(table());
            assertEquals(0, others.getLast().open(11, 11, 0));
            assertEquals(8, others.getLast().length());
            others.getLast().plan(11);
        }
        assertTrue(pool.index().pending(first.block(0)));
        assertEquals(4, pool.refCount(first.block(1)));
        assertEquals(0, pool.tokensInUse());
        first.checkInvariants();
        pool.checkInvariants();
        first.append(11);
        others.forEach(table -> {
            assertTrue(table.prefixStands());
            table.append(3);
            table.checkInvariants();
        });
        assertFalse(pool.index().pending(first.block(0)));
        assertEquals(8 + 4 * 3, pool.tokensInUse());
        pool.checkInvariants();
    }

    @Test
    void reserve_plannedBlockThatOthersWaitFor_isNotCopied() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(8, 8, 0);
        assertEquals(0, first.reserve(9, copies));
        assertEquals(0, copies.count());
        first.append(8);
        assertEquals(first.block(0), second.block(0));
        assertTrue(second.prefixStands());
    }

    @Test
    void release_pendingWriter_leavesNothingToFindAndItsDependantsKnow() {
        BlockTable first = table();
        first.open(11, 11, 0);
        first.plan(11);
        BlockTable second = table();
        second.open(11, 11, 0);
        BlockTable third = table();
        third.open(8, 8, 0);
        first.release();
        assertFalse(second.prefixStands());
        assertFalse(third.prefixStands());
        assertEquals(0, pool.index().size());
        second.release();
        third.release();
        assertEquals(12, pool.free());
        assertTrue(second.prefixStands());
        assertEquals(0, second.open(11, 11, 0));
        assertEquals(0, second.length());
        pool.checkInvariants();
    }

    @Test
    void rollBack_dependantsOfDependants_knowToo() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(12, 12, 0);
        second.plan(12);
        BlockTable third = table();
        third.open(13, 13, 0);
        assertEquals(12, third.length());
        first.rollBack();
        assertFalse(second.prefixStands());
        second.release();
        assertFalse(third.prefixStands());
        third.release();
        first.checkInvariants();
        first.plan(8);
        first.append(8);
        assertEquals(2, pool.index().size());
        pool.checkInvariants();
    }

    @Test
    void rollBack_afterPartOfThePlan_keepsWhatIsComputed() {
        BlockTable first = table();
        first.open(12, 12, 0);
        first.plan(12);
        first.append(6);
        assertFalse(pool.index().pending(first.block(0)));
        assertTrue(pool.index().pending(first.block(1)));
        first.checkInvariants();
        first.rollBack();
        assertEquals(1, pool.index().size());
        first.checkInvariants();
        first.append(6); // not planned again: indexed once computed
        assertEquals(3, pool.index().size());
        assertFalse(pool.index().pending(first.block(2)));
        pool.checkInvariants();
    }

    @Test
    void rollBack_prefixSharedAndOwnPart_takesBackTheOwnAlone() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.append(8);
        BlockTable second = table();
        second.open(12, 12, 0);
        second.plan(12);
        assertEquals(3, pool.index().size());
        second.rollBack();
        assertEquals(2, pool.index().size());
        assertTrue(second.prefixStands());
    }

    @Test
    void append_nothing_doesNotSettleWhatOthersCompute() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(8, 8, 0);
        second.append(0);
        first.release();
        assertFalse(second.prefixStands());
    }

    @Test
    void fork_ofATableWhosePrefixIsPending_awaitsItToo() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(8, 8, 0);
        BlockTable child = table();
        second.fork(child);
        first.release();
        assertFalse(second.prefixStands());
        assertFalse(child.prefixStands());
    }

    @Test
    void prefixStands_onceComputed_theWriterMayGo() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(9, 9, 0);
        first.append(8);
        second.append(1);
        first.forget();
        first.release();
        assertTrue(second.prefixStands());
    }

    @Test
    void prefixStands_openedAgain_awaitsNothingThatItAwaitedBefore() {
        BlockTable first = table();
        first.open(8, 8, 0);
        first.plan(8);
        BlockTable second = table();
        second.open(9, 9, 0);
        second.release();
        first.append(8);
        second.open(9, 9, 0);
        first.forget();
        assertTrue(second.prefixStands());
    }
}
