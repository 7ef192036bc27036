package dev.quire.scheduler;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.Compaction;
import dev.quire.cache.CorruptStateException;
import java.util.function.Consumer;

/// Continuous batching under one token budget (Orca, OSDI 2022, section 4.1; chunked prefill: Sarathi, OSDI 2024).
///
/// A step takes the running sequences in (priority, arrival) order: one token each where they decode, a chunk of
/// what is left of the budget where they still prefill; every running sequence moves in every step. Then waiting
/// ones are admitted in the same order ({@link Admission}), with blocks for all tokens they have so far; what the
/// prefix index holds of those tokens is shared and not computed, also where another sequence computes it in this
/// very step. When a running sequence finds no block, the one that is last in the order gives way: its blocks go
/// to the swap space, or it drops them and computes them again. In such a step nobody is admitted, and who needs a
/// block that is on its way out waits for it. The first in the order therefore always goes on, so nothing can
/// deadlock in a pool that holds its longest request.
///
/// A sequence that ends between plan and `computed` was not computed: sequences that shared what it was to compute
/// in that step give up their blocks and start again.
///
/// Cost of a plan: O(running + admitted). Invariants (`checkInvariants`): running is in order and within its
/// bound; those that wait hold no block, but for swapped ones what they share; each entry of a table is one
/// reference, and there are no others.
///
/// Not thread-safe: the engine thread owns it.
public final class Scheduler {
    private final CacheLayout layout;
    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final Places places;
    private final Admission admission;
    private final PreemptionCost cost;
    private final StepPlan plan;
    private final BlockCopies dueCopies; // before the next step, for forks and for what was moved
    private long preemptions;
    private long swaps;
    private long restarts;

    /// For sequences of which any may fill the pool.
    public Scheduler(CacheLayout layout, SchedulerLimits limits, PreemptionCost cost) {
        this(
                layout,
                limits,
                cost,
                Math.multiplyExact(layout.pool().blocks(), layout.pool().blockSize()));
    }

    /// For sequences of at most `modelLength` tokens, prompt and generated.
    public Scheduler(CacheLayout layout, SchedulerLimits limits, PreemptionCost cost, int modelLength) {
        this.cost = cost;
        this.layout = layout;
        this.pool = layout.pool();
        this.limits = limits;
        places = new Places(limits.sequences(), pool.blocks(), pool.blockSize(), modelLength);
        admission = new Admission(layout, limits, places);
        plan = new StepPlan(limits.sequences(), layout.mostCopies(limits.sequences()));
        dueCopies = new BlockCopies(pool.blocks());
    }

    public int running() {
        return places.running();
    }

    /// Sequences that do not run, preempted ones included.
    public int waiting() {
        return admission.waiting() + places.loading();
    }

    /// Sequences that have never run.
    public int unstarted() {
        return admission.unstarted();
    }

    /// Preemptions since the start.
    public long preemptions() {
        return preemptions;
    }

    /// Preemptions of those that moved blocks to the swap space.
    public long swaps() {
        return swaps;
    }

    /// Waiting sequences that the last plan could not admit for want of blocks: 0 or 1, since the order is kept.
    public int deferred() {
        return admission.deferred();
    }

    /// Blocks that a sequence could be admitted with if it came now.
    public int headroom() {
        return admission.headroom();
    }

    /// Sequences that could run besides if they came now.
    public int places() {
        return places.free();
    }

    /// What preemption costs, to be told of measurements.
    public PreemptionCost cost() {
        return cost;
    }

    /// Sequences that started again because the writer of a prefix they shared failed, since the start.
    public long restarts() {
        return restarts;
    }

    /// Tokens that were looked up in the prefix index, each sequence's once, when it first ran.
    public long prefixQueries() {
        return admission.prefixQueries();
    }

    /// Tokens of those that were found, and so not computed.
    public long prefixHits() {
        return admission.prefixHits();
    }

    /// The `index`-th of the sequences that run, in order.
    public Sequence runningSequence(int index) {
        return places.running(index);
    }

    /// What a contiguous layout would take for the same sequences.
    public ContiguousShadow contiguous() {
        return places.contiguous();
    }

    public boolean idle() {
        return places.isEmpty() && admission.waiting() == 0 && !transferring();
    }

    /// Whether copies to or from the swap space are due or under way: a step may have nothing to compute then.
    public boolean transferring() {
        return layout.transfers().due() + layout.transfers().inFlight() > 0;
    }

    /// Takes a new sequence, which may lead others. Each must be able to run alone, and all must have a place at
    /// once.
    public void add(Sequence sequence) {
        admission.add(sequence);
    }

    /// Ends a sequence early, and those that follow it, or all beams of its group; its blocks are back at once. One
    /// that has already ended is left as it is.
    public void end(Sequence ended, TokenBuffer.Ending ending, String failure) {
        Sequence sequence = ended.beams().map(BeamGroup::leader).orElse(ended);
        switch (sequence.state()) {
            case RUNNING, LOADING -> places.leave(sequence);
            case WAITING -> admission.remove(sequence);
            case FOLLOWING -> endFollower(sequence);
            case ENDED -> {
                return;
            }
        }
        if (sequence.state() != Sequence.State.FOLLOWING && !sequence.started()) {
            admission.endedUnstarted();
        }
        endGroup(sequence, ending, failure);
        restartOrphans();
    }

    private void endFollower(Sequence follower) {
        places.leaveFollower(follower.leader());
        follower.leader().unfollow(follower);
    }

    private static void endGroup(Sequence sequence, TokenBuffer.Ending ending, String failure) {
        for (int i = 0; i < sequence.followers(); i++) {
            sequence.follower(i).end(ending, failure);
        }
        sequence.end(ending, failure);
    }

    /// Has planned sequences start again whose shared prefix nobody will compute. Once through is enough: who
    /// shares what an orphan was to compute also shares all that the orphan does.
    private void restartOrphans() {
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i).leader();
            if (sequence.state() == Sequence.State.RUNNING
                    && !plan.sequence(i).table().prefixStands()) {
                places.leave(sequence);
                sequence.suspend();
                admission.back(sequence);
                restarts++;
            }
        }
    }

    /// Ends every sequence. All are answered before a block is given back, which may throw if the pool is in
    /// doubt.
    public void endAll(TokenBuffer.Ending ending, String failure) {
        plan.clear();
        places.answer(ending, failure);
        admission.answer(ending, failure);
        while (places.running() > 0) {
            end(places.running(places.running() - 1), ending, failure);
        }
        while (places.loading() > 0) {
            end(places.loading(0), ending, failure);
        }
        while (admission.waiting() > 0) {
            end(admission.first(), ending, failure);
        }
    }

    /// Plans the next step. Blocks for every planned token are reserved. The plan may be empty while copies to or
    /// from the swap space are under way (`transferring`).
    public StepPlan plan() {
        plan.clear();
        plan.copies().takeAll(dueCopies);
        layout.makeRoom(plan.copies());
        admission.beginPlan();
        resume();
        boolean plenty = true; // of blocks, for those that run
        int rows = limits.rows();
        int passed = 0; // places of the sequences that have been looked at
        for (int i = 0; i < places.running(); i++) {
            Sequence sequence = places.running(i);
            passed += sequence.width();
            int tokens = limits.tokens() - plan.tokens() - (places.taken() - passed);
            int run = sequence.run(tokens, rows - (places.taken() - passed));
            long before = preemptions;
            boolean reserved = reserve(sequence, run);
            plenty &= reserved && preemptions == before;
            if (reserved) {
                rows -= plan.add(sequence, run);
            }
        }
        if (plenty || places.running() == 0) { // a run that must grow may have to give way to itself
            admission.admit(plan, rows);
        } else {
            admission.defer();
        }
        return plan;
    }

    /// One round of a compaction that was asked for, between two steps. What it copies is due before the next one.
    public void compact(Compaction compaction) {
        if (compaction.move(dueCopies)) {
            forEach(sequence -> compaction.rewrite(sequence.table()));
            compaction.settle();
        }
    }

    /// Sequences whose blocks are back run again.
    private void resume() {
        for (int i = places.loading() - 1; i >= 0; i--) {
            Sequence sequence = places.loading(i);
            if (sequence.table().here()) {
                places.leave(sequence);
                sequence.start();
                places.run(sequence);
            }
        }
    }

    /// Reserves blocks for `run` tokens more, of each beam of a group, preempting from the end of the order; false if
    /// that reached the sequence itself, or if it must wait for blocks that are on their way out.
    ///
    /// Copies that one asked for who gives way then are made all the same: others may have been moved among
    /// them, and in their order they overwrite nothing.
    private boolean reserve(Sequence sequence, int run) {
        for (int missing = sequence.reserve(run, plan.copies());
                missing > 0;
                missing = sequence.reserve(run, plan.copies())) {
            if (missing <= pool.leaving()) {
                return false;
            }
            Sequence last = places.lastAfter(sequence);
            if (last == sequence && admission.dropHeld(sequence)) {
                continue;
            }
            preempt(last);
            if (last == sequence) {
                return false;
            }
        }
        return true;
    }

    private void preempt(Sequence sequence) {
        preemptions++;
        boolean runs = sequence.state() == Sequence.State.RUNNING;
        places.leave(sequence);
        boolean swap = runs && cost.swaps(sequence.computed(), sequence.table().movable());
        if (swap && sequence.swapOut()) {
            swaps++;
        } else {
            sequence.suspend();
        }
        admission.back(sequence);
    }

    /// Records that run `index` of the plan was computed; false if its sequence has left the step since.
    public boolean computed(int index) {
        Sequence sequence = plan.sequence(index);
        if (sequence.state() != Sequence.State.RUNNING) {
            return false;
        }
        sequence.table().append(plan.count(index));
        if (sequence.leads()) {
            places.contiguous().computed(sequence.leader(), plan.count(index));
        }
        return true;
    }

    /// The leader's prompt is computed: its next follower runs from now on, with what the leader's blocks hold; or
    /// waits, if the layout has no room for a copy of it. Returns it.
    public Sequence fork(Sequence leader) {
        Sequence follower = leader.follower(0);
        places.leaveFollower(leader);
        follower.leave(dueCopies);
        if (follower.state() == Sequence.State.RUNNING) {
            places.run(follower);
        } else {
            admission.back(follower);
        }
        return follower;
    }

    /// Adds the token that was drawn for `sequence`; ends it if that was its last.
    public void commit(Sequence sequence, int token) {
        TokenBuffer.Ending ending = sequence.append(token);
        if (ending != null) {
            end(sequence, ending, "");
        } else if (!layout.keeps()) {
            places.contiguous().computed(sequence, -sequence.computed());
            sequence.table().release();
        }
    }

    /// All that may follow a beam has been offered to its group. With the last beam the search goes on; it ends with
    /// the answers that it found.
    public void offered(Sequence beam) {
        BeamGroup group = beam.beams().orElseThrow();
        if (!group.complete()) {
            return;
        }
        int before = group.computed();
        if (group.advance()) {
            places.contiguous().computed(group.leader(), group.computed() - before);
        } else if (group.tell()) {
            end(group.leader(), TokenBuffer.Ending.LENGTH, "");
        } else {
            int found = group.search().hypotheses();
            int answers = group.answers().size();
            end(
                    group.leader(),
                    TokenBuffer.Ending.FAILED,
                    "a beam search must find as many answers as are wanted: found=" + found + ", n=" + answers);
        }
    }

    /// Ends `sequence` if it wants no token at all, and so none may be drawn: a prompt that was only scored.
    public boolean endIfFull(Sequence sequence) {
        if (sequence.full()) {
            end(sequence, TokenBuffer.Ending.LENGTH, "");
            return true;
        }
        return false;
    }

    /// Every sequence that has not ended, those that wait or follow too, and each live beam, in no order.
    public void forEach(Consumer<Sequence> each) {
        Consumer<Sequence> group = sequence -> {
            sequence.beams().ifPresentOrElse(beams -> beams.forEach(each), () -> each.accept(sequence));
            for (int i = 0; i < sequence.followers(); i++) {
                each.accept(sequence.follower(i));
            }
        };
        places.forEach(group);
        admission.forEach(group);
    }

    /// Throws if bookkeeping contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    public void checkInvariants() {
        layout.checkInvariants();
        int[] held = new int[pool.blocks()];
        places.checkInvariants(held);
        admission.checkInvariants(held);
        for (int block = 0; block < held.length; block++) {
            if (held[block] != pool.refCount(block)) {
                throw new CorruptStateException("each entry of a table must be one reference: block=" + block
                        + ", entries=" + held[block] + ", refCount=" + pool.refCount(block));
            }
        }
    }
}
