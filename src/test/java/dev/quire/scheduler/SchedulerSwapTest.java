package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.BlockTransfers;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.SwapSpace;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence.State;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Who gives way, waits and comes back when blocks of 4 tokens are short and there is room elsewhere.
class SchedulerSwapTest {
    private static final SchedulerLimits LIMITS = new SchedulerLimits(100, 8, 8, 0);

    private BlockPool pool;
    private SwapSpace space;
    private CacheLayout layout;
    private Scheduler scheduler;
    private long arrivals;
    private long tickets;

    private void open(int blocks, int slots) {
        pool = new BlockPool(blocks, 4, new PrefixIndex(blocks, 4));
        space = new SwapSpace(slots);
        layout = new PagedLayout(pool, space);
        scheduler = new Scheduler(layout, LIMITS, new PreemptionCost(PreemptionCost.Mode.SWAP));
    }

    /// `choices` sequences whose prompt nobody else has.
    private List<Sequence> group(int priority, int promptTokens, int maxTokens, int choices) {
        int[] prompt = new int[promptTokens];
        prompt[0] = (int) arrivals;
        var spec = new Sequence.Spec(
                arrivals,
                priority,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
        arrivals += choices;
        List<Sequence> group = Sequence.group(spec, choices, layout);
        scheduler.add(group.getFirst());
        return group;
    }

    private Sequence sequence(int priority, int promptTokens, int maxTokens) {
        return group(priority, promptTokens, maxTokens, 1).getFirst();
    }

    /// Plans a step and carries it out; copies that are due begin and stay under way. Returns the tokens computed.
    private int step() {
        StepPlan plan = scheduler.plan();
        scheduler.checkInvariants();
        BlockTransfers transfers = layout.transfers();
        while (transfers.due() > 0) {
            transfers.begun(1, tickets++);
        }
        boolean[] draws = new boolean[plan.sequences()];
        for (int i = 0; i < draws.length; i++) {
            draws[i] = plan.draws(i);
            assertTrue(scheduler.computed(i));
        }
        for (int i = 0; i < draws.length; i++) {
            Sequence sequence = plan.sequence(i);
            while (draws[i] && sequence.followers() > 0) {
                scheduler.commit(scheduler.fork(sequence), 1);
            }
            if (draws[i]) {
                scheduler.commit(sequence, 1);
            }
        }
        scheduler.checkInvariants();
        return plan.tokens();
    }

    private void land() {
        while (layout.transfers().inFlight() > 0) {
            layout.transfers().done();
        }
        scheduler.checkInvariants();
    }

    private void finish() {
        for (int i = 0; i < 1_000 && !scheduler.idle(); i++) {
            step();
            land();
        }
        assertTrue(scheduler.idle());
        assertEquals(0, pool.inUse() + pool.inTransit());
        assertEquals(0, space.used());
    }

    /// Two of 8 tokens fill a pool of 4 blocks; both need a third block at once.
    private Sequence[] crowd() {
        open(4, 8);
        var crowd = new Sequence[] {sequence(0, 8, 6), sequence(0, 8, 6)};
        assertEquals(16, step());
        return crowd;
    }

    @Test
    void runningSequence_waitsForTheBlockThatIsLeaving_andPreemptsNobodyElse() {
        Sequence[] crowd = crowd();
        assertEquals(0, step()); // the second leaves
        assertEquals(State.RUNNING, crowd[0].state());
        assertEquals(State.WAITING, crowd[1].state());
        assertTrue(crowd[1].table().swapped());
        assertEquals(2, pool.leaving());
        assertEquals(0, step()); // not there yet
        assertEquals(0, step());
        assertTrue(scheduler.transferring());
        assertFalse(scheduler.idle());
        assertEquals(1, scheduler.preemptions());
        assertEquals(1, scheduler.swaps());
        land();
        assertEquals(1, step());
        assertEquals(10, crowd[0].length());
        finish();
        assertEquals(6, crowd[0].output().count());
        assertEquals(6, crowd[1].output().count());
    }

    @Test
    void swappedSequence_runsAgainWhenAllItsBlocksAreHere_andComputesNothingTwice() {
        Sequence[] crowd = crowd();
        step();
        land();
        while (crowd[0].state() != State.ENDED) {
            assertEquals(1, step());
        }
        assertEquals(0, step()); // begins to load
        assertEquals(State.LOADING, crowd[1].state());
        assertEquals(1, scheduler.waiting());
        assertEquals(0, scheduler.running());
        assertEquals(0, step()); // on its way
        land();
        assertEquals(1, step());
        assertEquals(State.RUNNING, crowd[1].state());
        assertEquals(9, crowd[1].computed());
        assertEquals(10, crowd[1].length());
        finish();
    }

    @Test
    void lastInTheOrder_givesWay_alsoWhenItCameFirst() {
        open(4, 8);
        Sequence patient = sequence(1, 8, 6);
        Sequence urgent = sequence(0, 8, 6);
        step();
        step();
        assertEquals(State.RUNNING, urgent.state());
        assertTrue(patient.table().swapped());
        finish();
    }

    @Test
    void spaceThatIsFull_isNoReasonToStop_blocksAreDropped() {
        open(4, 1);
        Sequence first = sequence(0, 8, 6);
        Sequence second = sequence(0, 8, 6);
        step();
        assertEquals(1, step());
        assertEquals(State.WAITING, second.state());
        assertEquals(0, second.table().blocks());
        assertEquals(0, scheduler.swaps());
        assertEquals(1, scheduler.preemptions());
        finish();
        assertEquals(6, first.output().count());
        assertEquals(6, second.output().count());
    }

    @Test
    void sequenceThatIsLoading_givesWayToAnEarlierOne_andItsBlocksLandFirst() {
        Sequence[] crowd = crowd();
        step();
        land();
        scheduler.end(crowd[0], TokenBuffer.Ending.CANCELLED, "");
        assertEquals(0, step());
        assertEquals(State.LOADING, crowd[1].state());
        Sequence urgent = sequence(-1, 8, 6);
        assertEquals(8, step()); // beside it
        assertEquals(0, step()); // needs a third block
        assertEquals(State.WAITING, crowd[1].state());
        assertEquals(2, pool.leaving());
        assertEquals(2, scheduler.preemptions());
        land();
        assertEquals(0, space.used());
        assertEquals(1, step());
        assertEquals(10, urgent.length());
        finish();
        assertEquals(6, crowd[1].output().count());
    }

    /// Two choices share their prompt; both have been swapped but for that, and it is all that is left.
    @Test
    void sharedBlocksOfThoseThatWait_areDropped_beforeTheFirstInTheOrderStops() {
        open(4, 8);
        List<Sequence> choices = group(0, 8, 8, 2);
        step();
        step(); // 2 shared blocks and one each
        for (int i = 0; i < 3; i++) {
            assertEquals(2, step());
        }
        assertEquals(12, choices.getFirst().computed());
        assertEquals(0, step()); // both need a block: the second leaves with the one that is its own
        assertTrue(choices.get(1).table().swapped());
        assertEquals(3, choices.get(1).table().blocks());
        assertEquals(2, pool.shared());
        land();
        Sequence urgent = sequence(-1, 9, 8); // 4 blocks at its longest
        int steps = 0;
        while (urgent.state() != State.ENDED && steps++ < 100) {
            step();
            land();
        }
        assertEquals(8, urgent.output().count());
        finish();
        for (Sequence choice : choices) {
            assertEquals(8, choice.output().count());
        }
    }

    @Test
    void priorityCutsIn_whatIsHeldIsDroppedFromTheEnd_butNotWhatOnlyHasSlots() {
        open(5, 8);
        Sequence alone = sequence(2, 8, 6);
        step();
        Sequence urgent = sequence(0, 8, 6);
        step();
        step(); // `alone` leaves, whole
        assertTrue(alone.table().swapped());
        assertFalse(alone.holds());
        land();
        int used = space.used();
        while (urgent.state() != State.ENDED) {
            step();
            land();
        }
        assertEquals(used, space.used()); // kept: dropping it would have freed no block
        finish();
        assertEquals(6, alone.output().count());
    }

    @ParameterizedTest
    @EnumSource(
            value = TokenBuffer.Ending.class,
            names = {"CANCELLED", "FAILED"})
    void end_onTheWayOutAndBack_leavesNothingBehind(TokenBuffer.Ending ending) {
        for (boolean back : new boolean[] {false, true}) {
            Sequence[] crowd = crowd();
            step();
            if (back) {
                land();
                scheduler.end(crowd[0], TokenBuffer.Ending.CANCELLED, "");
                step();
                assertEquals(State.LOADING, crowd[1].state());
            }
            scheduler.end(crowd[1], ending, "");
            scheduler.checkInvariants();
            assertEquals(State.ENDED, crowd[1].state());
            assertEquals(2, space.used());
            finish();
        }
    }

    @Test
    void endAll_inTransit_answersAll_andIsIdleWhenCopiesHaveLanded() {
        open(6, 8);
        Sequence first = sequence(0, 8, 12);
        Sequence second = sequence(0, 8, 12);
        Sequence third = sequence(0, 8, 12);
        step();
        step();
        assertTrue(third.table().swapped());
        scheduler.endAll(TokenBuffer.Ending.FAILED, "stopped");
        for (Sequence each : List.of(first, second, third)) {
            assertEquals(State.ENDED, each.state());
            assertSame(TokenBuffer.Ending.FAILED, each.output().ending());
        }
        scheduler.checkInvariants();
        assertFalse(scheduler.idle());
        assertEquals(2, pool.leaving());
        land();
        assertTrue(scheduler.idle());
        assertEquals(6, pool.available());
        assertEquals(8, space.free());
    }

    @Test
    void groupThatIsSwappedBeforeItForks_keepsItsPlaces_andFollowersMayGo() {
        open(7, 8);
        var narrow = new SchedulerLimits(5, 4, 4, 0);
        scheduler = new Scheduler(layout, narrow, new PreemptionCost(PreemptionCost.Mode.SWAP));
        Sequence urgent = sequence(0, 4, 8);
        step();
        List<Sequence> group = group(1, 20, 4, 3);
        for (int i = 0; i < 5; i++) {
            step(); // 4 of its 20 tokens each, until the other needs its third block
        }
        assertEquals(State.WAITING, group.getFirst().state());
        assertTrue(group.getFirst().table().swapped());
        land();
        scheduler.end(group.get(2), TokenBuffer.Ending.CANCELLED, "");
        while (group.getFirst().state() != State.LOADING) {
            step();
            if (group.getFirst().state() != State.LOADING) {
                land();
            }
        }
        scheduler.end(group.get(1), TokenBuffer.Ending.CANCELLED, "");
        scheduler.checkInvariants();
        finish();
        assertEquals(8, urgent.output().count());
        assertEquals(4, group.getFirst().output().count());
        assertEquals(0, group.get(1).output().count());
    }

    /// Each follower has the same blocks for a moment: what is copied for those that are gone must not pile up.
    @Test
    void manyChoicesOfOneToken_inTheContiguousLayout_fit() {
        pool = new BlockPool(10, 4);
        space = new SwapSpace(0);
        layout = new ContiguousLayout(pool, RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.REQUEST, 40, 0);
        scheduler = new Scheduler(layout, LIMITS, new PreemptionCost(PreemptionCost.Mode.AUTO));
        for (int i = 0; i < 3; i++) {
            List<Sequence> choices = group(0, 17, 1, 8);
            step();
            for (Sequence choice : choices) {
                assertEquals(State.ENDED, choice.state());
                assertEquals(1, choice.output().count());
            }
        }
        List<Sequence> choices = group(0, 17, 3, 8);
        finish();
        for (Sequence choice : choices) {
            assertEquals(3, choice.output().count());
        }
    }

    @Test
    void forkWithoutARun_waitsAndComputesItsPrompt() {
        pool = new BlockPool(5, 4);
        space = new SwapSpace(0);
        layout = new ContiguousLayout(pool, RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.REQUEST, 40, 0);
        scheduler = new Scheduler(layout, LIMITS, new PreemptionCost(PreemptionCost.Mode.AUTO));
        List<Sequence> choices = group(0, 8, 4, 3);
        assertEquals(8, step());
        assertEquals(State.RUNNING, choices.getFirst().state());
        assertEquals(State.WAITING, choices.get(1).state());
        assertEquals(State.WAITING, choices.get(2).state());
        assertEquals(9, choices.get(1).length());
        assertEquals(0, choices.get(1).computed());
        finish();
        for (Sequence choice : choices) {
            assertEquals(4, choice.output().count());
        }
    }
}
