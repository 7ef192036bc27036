package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.BlockPool;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.SequenceBlocks;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Copies that depend on each other, before the reference kernels, which refuse a call whose order would matter.
class BlockCopierTest {
    private final ModelLoading loading = ModelLoading.open(TestSettings.of("quire.backend", "reference"));
    private final BlockCopies copies = new BlockCopies(40);
    private final BlockCopier copier = new BlockCopier(loading.kernels());

    @AfterEach
    void close() {
        loading.close();
    }

    private static ContiguousLayout layout() {
        return new ContiguousLayout(
                new BlockPool(20, 16), RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.ESTIMATE, 320, 0);
    }

    private void grow(SequenceBlocks run, int tokens) {
        assertEquals(0, run.reserve(tokens, copies));
        run.append(tokens - run.length());
    }

    @Test
    void copyOfACopy_isMadeInACallOfItsOwn() {
        SequenceBlocks run = layout().sequence(new int[320], 320, "");
        grow(run, 16);
        grow(run, 32); // 0 → 1
        grow(run, 64); // 1 → 3, 2 → 4
        assertEquals(3, copies.count());
        assertEquals(copies.destination(0), copies.source(1));
        assertDoesNotThrow(() -> copier.carryOut(copies));
    }

    @Test
    void placeThatIsTakenAgain_isWrittenInACallOfItsOwn() {
        ContiguousLayout layout = layout();
        SequenceBlocks first = layout.sequence(new int[320], 320, "");
        SequenceBlocks second = layout.sequence(new int[320], 320, "");
        grow(first, 16);
        grow(second, 16);
        grow(first, 32); // 0 → 2
        first.release();
        grow(second, 48); // 1 → 2, where the first one's went
        assertEquals(2, copies.count());
        assertEquals(copies.destination(0), copies.destination(1));
        assertDoesNotThrow(() -> copier.carryOut(copies));
    }

    /// A run that slides down by one block is copied in as many calls: each block onto the one before it.
    @Test
    void runThatSlidesDown_isCopiedBlockAfterBlock() {
        var layout = new ContiguousLayout(
                new BlockPool(20, 16),
                RunAllocator.Policy.FIRST_FIT,
                ContiguousLayout.Reserve.REQUEST,
                1,
                0,
                new CompactionLimits(0, 32));
        SequenceBlocks[] runs = new SequenceBlocks[2];
        for (int i = 0; i < 2; i++) {
            int tokens = i == 0 ? 16 : 160;
            runs[i] = layout.sequence(new int[tokens], tokens, "");
            assertEquals(0, runs[i].open(tokens, tokens, 0));
            runs[i].append(tokens);
        }
        runs[0].release();
        assertEquals(1, layout.sequence(new int[160], 160, "").open(160, 160, 0));
        layout.makeRoom(copies);
        assertEquals(10, copies.count());
        assertEquals(1, copies.source(0));
        assertEquals(0, copies.destination(0));
        assertDoesNotThrow(() -> copier.carryOut(copies));
    }

    @Test
    void callWhoseOrderWouldMatter_isRefusedByTheReference() {
        var e = assertThrows(IllegalArgumentException.class, () -> loading.kernels()
                .copyBlocks(new int[] {0, 1}, new int[] {1, 2}, 2));
        assertEquals(
                "destination must be neither a source nor another destination: destination=1, copies=2",
                e.getMessage());
    }
}
