package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.SequenceBlocks;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence.State;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What sequences share, told as stories: several choices from one prompt, and prompts that begin alike.
class SharingTest {
    private static final int BLOCK_SIZE = 16;
    private static final SchedulerLimits WIDE = new SchedulerLimits(4_096, 32, 32, 0);

    private final BlockPool pool = pool(200);
    private final Scheduler scheduler =
            new Scheduler(new PagedLayout(pool), WIDE, new PreemptionCost(PreemptionCost.Mode.AUTO));
    private long arrivals;

    private static BlockPool pool(int blocks) {
        return new BlockPool(blocks, BLOCK_SIZE, new PrefixIndex(blocks, BLOCK_SIZE));
    }

    private List<Sequence> group(BlockPool of, int[] prompt, int maxTokens, int choices, boolean scored, String salt) {
        var spec = new Sequence.Spec(
                arrivals,
                0,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                scored,
                salt);
        arrivals += choices;
        return Sequence.group(spec, choices, new PagedLayout(of));
    }

    private List<Sequence> group(int[] prompt, int maxTokens, int choices) {
        return group(pool, prompt, maxTokens, choices, false, "");
    }

    private Sequence sequence(int[] prompt, int maxTokens) {
        return group(prompt, maxTokens, 1).getFirst();
    }

    /// `count` tokens, the same each time, then `own`.
    private static int[] prompt(int count, int... own) {
        return IntStream.concat(IntStream.range(100, 100 + count), IntStream.of(own))
                .toArray();
    }

    /// Carries out what is planned; choice i of a group is drawn the token `first` + i. Returns the tokens
    /// computed.
    private static int carryOut(Scheduler scheduler, StepPlan plan, int first) {
        boolean[] draws = new boolean[plan.sequences()];
        for (int i = 0; i < draws.length; i++) {
            draws[i] = plan.draws(i);
        }
        for (int i = 0; i < draws.length; i++) {
            draws[i] &= scheduler.computed(i);
        }
        for (int i = 0; i < draws.length; i++) {
            Sequence sequence = plan.sequence(i);
            for (int token = first + 1; draws[i] && sequence.followers() > 0; token++) {
                scheduler.commit(scheduler.fork(sequence), token);
            }
            if (draws[i]) {
                scheduler.commit(sequence, first);
            }
            scheduler.checkInvariants();
        }
        return plan.tokens();
    }

    private int step() {
        return carryOut(scheduler, scheduler.plan(), 1);
    }

    private void finish() {
        while (!scheduler.idle()) {
            step();
        }
        assertEquals(0, pool.inUse());
    }

    @Test
    void threeStoryOpenings_holdTheFullBlocksOfTheirPromptOnce() {
        List<Sequence> openings = group(prompt(40), 8, 3);
        scheduler.add(openings.getFirst());
        assertEquals(40, step());
        for (Sequence opening : openings) {
            assertEquals(State.RUNNING, opening.state());
            assertEquals(3, opening.table().blocks());
            for (int i = 0; i < 3; i++) {
                assertEquals(3, pool.refCount(opening.table().block(i)));
            }
        }
        assertEquals(3, pool.inUse());
        assertEquals(6, pool.saved());
        assertEquals(40, pool.tokensInUse());

        assertEquals(3, step());
        for (Sequence opening : openings) {
            assertEquals(3, pool.refCount(opening.table().block(0)));
            assertEquals(3, pool.refCount(opening.table().block(1)));
            assertEquals(1, pool.refCount(opening.table().block(2)));
        }
        assertEquals(2 + 3, pool.inUse());
        assertEquals(32 + 3 * 9, pool.tokensInUse());
        finish();
    }

    @Test
    void threeStoryOpenings_ofLessThanABlock_shareIt_untilTwoCopiesAreMade() {
        List<Sequence> openings = group(prompt(7), 4, 3);
        scheduler.add(openings.getFirst());
        step();
        int block = openings.getFirst().table().block(0);
        assertEquals(3, pool.refCount(block));
        assertEquals(1, pool.inUse());

        StepPlan plan = scheduler.plan();
        assertEquals(2, plan.copies().count());
        assertEquals(block, plan.copies().source(0));
        assertEquals(block, plan.copies().source(1));
        assertEquals(2, pool.copies());
        assertEquals(3, pool.inUse());
        assertEquals(block, openings.getLast().table().block(0), "the last one writes where it is");
        carryOut(scheduler, plan, 1);
        assertEquals(0, scheduler.plan().copies().count());
    }

    @Test
    void eightChoices_prefillOnce_andAllDrawInThatStep() {
        List<Sequence> choices = group(prompt(500), 3, 8);
        scheduler.add(choices.getFirst());
        assertEquals(1, scheduler.waiting());
        assertEquals(500, step());
        for (int i = 0; i < 8; i++) {
            assertEquals(1, choices.get(i).output().count());
            assertEquals(1 + i, choices.get(i).output().token(0));
        }
        assertEquals(8, step());
        finish();
    }

    @Test
    void requestsThatArriveTogether_shareThePrefixThatOneOfThemComputesInTheSameStep() {
        for (int i = 0; i < 16; i++) {
            scheduler.add(sequence(prompt(1_000, i, i), 2));
        }
        StepPlan plan = scheduler.plan();
        assertEquals(16, plan.sequences());
        assertTrue(plan.tokens() <= 1_000 + 16 * (2 + 15), "tokens=" + plan.tokens());
        for (int i = 0; i < 16; i++) {
            SequenceBlocks table = plan.sequence(i).table();
            assertEquals(16, pool.refCount(table.block(61)));
            assertEquals(1, pool.refCount(table.block(62)));
        }
        carryOut(scheduler, plan, 1);
        assertEquals(15 * 992, scheduler.prefixHits());
        assertEquals(16 * 1_002, scheduler.prefixQueries());
        finish();
    }

    @Test
    void writerThatIsCancelledInTheStep_leavesOrphans_thatStartAgain() {
        Sequence writer = sequence(prompt(64), 2);
        Sequence orphan = sequence(prompt(64, 1), 2);
        Sequence orphansOrphan = sequence(prompt(64, 1), 2);
        Sequence stranger = sequence(new int[20], 2);
        List.of(writer, orphan, orphansOrphan, stranger).forEach(scheduler::add);
        StepPlan plan = scheduler.plan();
        assertEquals(4, plan.sequences());
        scheduler.end(writer, TokenBuffer.Ending.CANCELLED, "");
        scheduler.checkInvariants();
        assertEquals(State.WAITING, orphan.state());
        assertEquals(State.WAITING, orphansOrphan.state());
        assertEquals(State.RUNNING, stranger.state());
        assertEquals(2, scheduler.restarts());
        assertEquals(0, pool.cached());
        carryOut(scheduler, plan, 1);
        assertEquals(0, orphan.output().count());

        assertEquals(1 + 65 + 1, step());
        finish();
        assertEquals(2, orphan.output().count());
        assertEquals(2, orphansOrphan.output().count());
    }

    /// What a writer has computed in earlier steps stays when it goes.
    @Test
    void writerThatIsCancelledLater_leavesWhatItHasComputed() {
        var narrow = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(32, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        Sequence writer = sequence(prompt(100), 2);
        narrow.add(writer);
        carryOut(narrow, narrow.plan(), 1);
        narrow.plan();
        narrow.end(writer, TokenBuffer.Ending.CANCELLED, "");
        narrow.checkInvariants();
        assertEquals(2, pool.cached());
        Sequence next = sequence(prompt(100), 2);
        narrow.add(next);
        narrow.plan();
        assertEquals(32, next.cachedTokens());
    }

    @Test
    void promptThatIsCachedWhole_computesItsLastToken_andWritesNothing() {
        scheduler.add(sequence(prompt(48), 1));
        finish();
        assertEquals(3, pool.cached());
        Sequence again = sequence(prompt(48), 2);
        scheduler.add(again);
        StepPlan plan = scheduler.plan();
        assertEquals(1, plan.tokens());
        assertEquals(47, again.computed());
        assertEquals(SequenceBlocks.NO_SLOT, again.table().slot(47));
        assertEquals(47, again.cachedTokens());
        assertEquals(48, pool.tokensInUse());
        carryOut(scheduler, plan, 1);
        scheduler.plan();
        assertEquals((long) again.table().block(3) * BLOCK_SIZE, again.table().slot(48), "the next one it writes");
        assertEquals(0, pool.copies());
    }

    /// A turn of a chat begins with all that was said before: prompt and answer.
    @Test
    void nextTurn_findsTheAnswerToo() {
        scheduler.add(sequence(prompt(30), 35));
        finish();
        int[] ones = IntStream.generate(() -> 1).limit(35).toArray();
        Sequence turn = sequence(prompt(30, ones), 2);
        scheduler.add(turn);
        scheduler.plan();
        // 65 tokens; the last one drawn was never computed, so that four blocks are full.
        assertEquals(64, turn.cachedTokens());
    }

    @Test
    void scoredPrompt_takesNoHits_butLeavesSome() {
        scheduler.add(sequence(prompt(48), 1));
        finish();
        Sequence scored = group(pool, prompt(48), 1, 1, true, "").getFirst();
        var rows = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 64, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        rows.add(scored);
        assertEquals(48, rows.plan().tokens());
        assertEquals(0, scored.cachedTokens());
        assertEquals(0, rows.prefixQueries());
    }

    @Test
    void otherSalt_sharesNothing() {
        scheduler.add(sequence(prompt(48), 1));
        finish();
        Sequence salted = group(pool, prompt(48), 1, 1, false, "mine").getFirst();
        scheduler.add(salted);
        assertEquals(48, step());
        assertEquals(0, salted.cachedTokens());
    }

    @Test
    void preempted_findsItsOwnBlocksAgain() {
        BlockPool small = pool(6);
        var tight = new Scheduler(
                new PagedLayout(small),
                new SchedulerLimits(256, 4, 4, 0),
                new PreemptionCost(PreemptionCost.Mode.AUTO));
        Sequence first = group(small, prompt(47), 4, 1, false, "").getFirst();
        Sequence second = group(small, new int[47], 40, 1, false, "").getFirst();
        tight.add(first);
        tight.add(second);
        carryOut(tight, tight.plan(), 1);
        carryOut(tight, tight.plan(), 1);
        carryOut(tight, tight.plan(), 1);
        assertEquals(State.WAITING, second.state());
        assertEquals(1, tight.preemptions());
        while (first.state() == State.RUNNING) {
            carryOut(tight, tight.plan(), 1);
        }
        StepPlan plan = tight.plan();
        assertSame(second, plan.sequence(0));
        assertEquals(49, second.length());
        assertEquals(32, second.computed(), "its third block was the first to be taken");
        carryOut(tight, plan, 1);
    }

    @Test
    void leastRecentlyUsedTail_isTakenFirst() {
        BlockPool small = pool(6);
        var tight = new Scheduler(
                new PagedLayout(small),
                new SchedulerLimits(256, 4, 4, 0),
                new PreemptionCost(PreemptionCost.Mode.AUTO));
        for (int[] prompt : List.of(prompt(48), new int[32])) {
            tight.add(group(small, prompt, 1, 1, false, "").getFirst());
            carryOut(tight, tight.plan(), 1);
        }
        assertEquals(5, small.cached());
        tight.add(group(small, new int[] {7}, 1, 1, false, "").getFirst());
        carryOut(tight, tight.plan(), 1);
        assertEquals(0, small.evictions(), "a free block goes first");
        tight.add(
                group(small, IntStream.range(0, 20).toArray(), 1, 1, false, "").getFirst());
        carryOut(tight, tight.plan(), 1);
        assertEquals(1, small.evictions());
        Sequence again = group(small, prompt(48), 1, 1, false, "").getFirst();
        tight.add(again);
        tight.plan();
        assertEquals(32, again.cachedTokens());
    }

    @Test
    void leaderThatIsPreemptedBeforeTheFork_keepsItsFollowers() {
        BlockPool small = pool(5);
        var tight = new Scheduler(
                new PagedLayout(small), new SchedulerLimits(32, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        Sequence first = group(small, prompt(15), 20, 1, false, "").getFirst();
        tight.add(first);
        carryOut(tight, tight.plan(), 1);
        List<Sequence> choices = group(small, new int[64], 2, 3, false, "");
        tight.add(choices.getFirst());
        carryOut(tight, tight.plan(), 1);
        assertEquals(State.RUNNING, choices.getFirst().state());
        carryOut(tight, tight.plan(), 1);
        assertEquals(State.WAITING, choices.getFirst().state());
        assertEquals(2, choices.getFirst().followers());
        assertEquals(State.FOLLOWING, choices.getLast().state());
        while (!tight.idle()) {
            carryOut(tight, tight.plan(), 1);
        }
        choices.forEach(each -> assertEquals(2, each.output().count()));
    }

    @Test
    void followerThatIsCancelledBeforeTheFork_givesItsPlaceBack() {
        var narrow = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 3, 3, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        List<Sequence> choices = group(prompt(100), 4, 3);
        narrow.add(choices.getFirst());
        narrow.add(sequence(prompt(20), 4));
        carryOut(narrow, narrow.plan(), 1);
        narrow.end(choices.get(1), TokenBuffer.Ending.CANCELLED, "");
        narrow.checkInvariants();
        assertEquals(TokenBuffer.Ending.CANCELLED, choices.get(1).output().ending());
        StepPlan plan = narrow.plan();
        assertEquals(2, plan.sequences());
        carryOut(narrow, plan, 1);
        assertEquals(3, narrow.running());
        assertEquals(1, choices.getLast().output().count());
        assertEquals(2, choices.getLast().output().token(0));
    }

    @Test
    void leaderThatEndsBeforeTheFork_endsItsFollowers() {
        List<Sequence> choices = group(prompt(100), 4, 3);
        scheduler.add(choices.getFirst());
        scheduler.plan();
        scheduler.end(choices.getFirst(), TokenBuffer.Ending.FAILED, "why");
        for (Sequence choice : choices) {
            assertEquals(State.ENDED, choice.state());
            assertEquals("why", choice.output().failure());
        }
        assertTrue(scheduler.idle());
        assertEquals(0, pool.cached());
        scheduler.checkInvariants();
    }

    /// What it wrote itself is not to be trusted; the prompt is another's work.
    @Test
    void followerThatFails_leavesThePromptInTheIndex() {
        List<Sequence> choices = group(prompt(32), 20, 2);
        scheduler.add(choices.getFirst());
        for (int i = 0; i < 18; i++) {
            step();
        }
        int written = choices.getLast().table().block(2);
        assertTrue(pool.index().contains(written));
        scheduler.end(choices.getLast(), TokenBuffer.Ending.FAILED, "");
        assertFalse(pool.index().contains(written));
        assertTrue(pool.index().contains(choices.getFirst().table().block(1)));
        finish();
    }

    @Test
    void groupWiderThanTheRunningSequences_isRefused() {
        var e = assertThrows(
                IllegalArgumentException.class,
                () -> scheduler.add(group(prompt(4), 1, 33).getFirst()));
        assertEquals("group must fit the running sequences: width=33, sequences=32", e.getMessage());
    }

    /// Else the copies would preempt somebody in the next step.
    @Test
    void group_isAdmittedBesideOthers_onlyWithRoomForItsCopies() {
        BlockPool small = pool(5);
        var tight = new Scheduler(
                new PagedLayout(small), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        Sequence first = group(small, prompt(20), 2, 1, false, "").getFirst();
        tight.add(first);
        carryOut(tight, tight.plan(), 1);
        tight.add(group(small, new int[20], 2, 3, false, "").getFirst());
        carryOut(tight, tight.plan(), 1);
        assertEquals(1, tight.deferred(), "two blocks, and two for copies, of the three that are left");
        assertEquals(State.ENDED, first.state());
        carryOut(tight, tight.plan(), 1);
        assertEquals(3, tight.running());
    }

    /// Nobody behind it in the order passes it, so that its places come free.
    @Test
    void wideGroup_isNotStarvedByNarrowRequests() {
        var narrow = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        narrow.add(sequence(prompt(4), 10));
        carryOut(narrow, narrow.plan(), 1);
        List<Sequence> wide = group(prompt(8), 2, 4);
        narrow.add(wide.getFirst());
        for (int i = 0; i < 20; i++) {
            narrow.add(sequence(prompt(4), 10));
            carryOut(narrow, narrow.plan(), 1);
        }
        wide.forEach(each -> assertEquals(State.ENDED, each.state()));
    }
}
