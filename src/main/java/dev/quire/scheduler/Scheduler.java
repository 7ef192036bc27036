package dev.quire.scheduler;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CorruptStateException;
import java.util.PriorityQueue;

/// Continuous batching under one token budget (Orca, OSDI 2022, section 4.1; chunked prefill: Sarathi, OSDI 2024).
///
/// A step takes the running sequences in (priority, arrival) order: one token each where they decode, a chunk of
/// what is left of the budget where they still prefill; every running sequence moves in every step. Then waiting
/// ones are admitted in the same order, with blocks for all tokens they have so far, as long as budget, bound and
/// blocks allow; what the prefix index holds of those tokens is shared and not computed, also where another
/// sequence computes it in this very step. When a running sequence finds no block, the one that is last in the
/// order gives way: its blocks go to the swap space, or it drops them and computes them again. In such a step
/// nobody is admitted, and who needs a block that is on its way out waits for it. The first in the order therefore
/// always goes on, so nothing can deadlock in a pool that holds its longest request.
///
/// A group is admitted as its leader, with a place for each follower and, while others run, room for the copies of
/// the prompt's last block that their first writes will need.
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
    private final PriorityQueue<Sequence> waiting = new PriorityQueue<>(Places.ORDER);
    private final Places places;
    private final PreemptionCost cost;
    private final StepPlan plan;
    private final BlockCopies forkCopies; // due before the next step
    private long preemptions;
    private long swaps;
    private long restarts;
    private long prefixQueries;
    private long prefixHits;
    private int unstarted;
    private int deferred;

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
        plan = new StepPlan(limits.sequences(), layout.mostCopies(limits.sequences()));
        forkCopies = new BlockCopies(pool.blocks());
    }

    public int running() {
        return places.running();
    }

    /// Sequences that do not run, preempted ones included.
    public int waiting() {
        return waiting.size() + places.loading();
    }

    /// Sequences that have never run.
    public int unstarted() {
        return unstarted;
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
        return deferred;
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
        return prefixQueries;
    }

    /// Tokens of those that were found, and so not computed.
    public long prefixHits() {
        return prefixHits;
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
        return places.isEmpty() && waiting.isEmpty() && !transferring();
    }

    /// Whether copies to or from the swap space are due or under way: a step may have nothing to compute then.
    public boolean transferring() {
        return layout.transfers().due() + layout.transfers().inFlight() > 0;
    }

    /// Takes a new sequence, which may lead others. Each must be able to run alone, and all must have a place at
    /// once.
    public void add(Sequence sequence) {
        int needed = layout.mostBlocks(sequence.storedTokens());
        if (needed > pool.blocks()) {
            throw new IllegalArgumentException(
                    "sequence must fit the pool: neededBlocks=" + needed + ", blocks=" + pool.blocks());
        }
        if (sequence.width() > limits.sequences()) {
            throw new IllegalArgumentException("group must fit the running sequences: width=" + sequence.width()
                    + ", sequences=" + limits.sequences());
        }
        if (sequence.state() != Sequence.State.WAITING) {
            throw new IllegalStateException("sequence must be new: state=" + sequence.state());
        }
        waiting.add(sequence);
        unstarted++;
    }

    /// Ends a sequence early, and those that follow it; its blocks are back at once. One that has already ended is
    /// left as it is.
    public void end(Sequence sequence, TokenBuffer.Ending ending, String failure) {
        switch (sequence.state()) {
            case RUNNING, LOADING -> places.leave(sequence);
            case WAITING -> waiting.remove(sequence);
            case FOLLOWING -> endFollower(sequence);
            case ENDED -> {
                return;
            }
        }
        if (sequence.state() != Sequence.State.FOLLOWING && !sequence.started()) {
            unstarted--;
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
            Sequence sequence = plan.sequence(i);
            if (sequence.state() == Sequence.State.RUNNING && !sequence.table().prefixStands()) {
                places.leave(sequence);
                sequence.suspend();
                waiting.add(sequence);
                restarts++;
            }
        }
    }

    /// Ends every sequence. All are answered before a block is given back, which may throw if the pool is in
    /// doubt.
    public void endAll(TokenBuffer.Ending ending, String failure) {
        plan.clear();
        places.answer(ending, failure);
        waiting.forEach(sequence -> sequence.answer(ending, failure));
        while (places.running() > 0) {
            end(places.running(places.running() - 1), ending, failure);
        }
        while (places.loading() > 0) {
            end(places.loading(0), ending, failure);
        }
        while (!waiting.isEmpty()) {
            end(waiting.peek(), ending, failure);
        }
    }

    /// Plans the next step. Blocks for every planned token are reserved. The plan may be empty while copies to or
    /// from the swap space are under way (`transferring`).
    public StepPlan plan() {
        plan.clear();
        plan.copies().takeAll(forkCopies);
        deferred = 0;
        resume();
        boolean plenty = true; // of blocks, for those that run
        int rows = limits.rows();
        int passed = 0; // places of the sequences that have been looked at
        for (int i = 0; i < places.running(); i++) {
            Sequence sequence = places.running(i);
            passed += sequence.width();
            int tokens = limits.tokens() - plan.tokens() - (places.running() - i - 1);
            int run = run(sequence, tokens, rows - (places.taken() - passed));
            long before = preemptions;
            boolean reserved = reserve(sequence, sequence.computed() + run);
            plenty &= reserved && preemptions == before;
            if (reserved) {
                rows -= add(sequence, run);
            }
        }
        if (plenty || places.running() == 0) { // a run that must grow may have to give way to itself
            admit(rows);
        }
        return plan;
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

    /// Tokens of `sequence` that fit: a prompt that is scored needs a logit row for each.
    private static int run(Sequence sequence, int tokens, int rows) {
        int scored = rows - sequence.followers();
        return Math.min(sequence.pending(), sequence.scoring() ? Math.min(tokens, scored) : tokens);
    }

    /// Adds a run to the plan; returns the logit rows it needs. What prefill fills is announced to the prefix
    /// index.
    private int add(Sequence sequence, int run) {
        if (sequence.computed() < sequence.length() - 1) {
            sequence.table().plan(sequence.computed() + run);
        }
        plan.add(sequence, run);
        return sequence.scoring() ? run + sequence.followers() : sequence.width();
    }

    /// Reserves blocks for `tokens` tokens in all, preempting from the end of the order; false if that reached the
    /// sequence itself, or if it must wait for blocks that are on their way out.
    private boolean reserve(Sequence sequence, int tokens) {
        for (int missing = sequence.table().reserve(tokens, plan.copies());
                missing > 0;
                missing = sequence.table().reserve(tokens, plan.copies())) {
            if (missing <= pool.leaving()) {
                return false;
            }
            Sequence last = places.lastAfter(sequence);
            if (last == sequence && dropHeld(sequence)) {
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
        waiting.add(sequence);
    }

    /// Takes the shared blocks that a swapped sequence kept, the last in the order first, but none before
    /// `sequence`; it is computed again. So nobody can be stopped by what those hold that wait. False if there is
    /// none.
    private boolean dropHeld(Sequence sequence) {
        Sequence last = null;
        for (Sequence each : waiting) {
            boolean holds = each.holds() && Places.ORDER.compare(each, sequence) > 0;
            if (holds && (last == null || Places.ORDER.compare(each, last) > 0)) {
                last = each;
            }
        }
        if (last != null) {
            last.suspend();
        }
        return last != null;
    }

    private void admit(int rowsLeft) {
        int rows = rowsLeft;
        while (!waiting.isEmpty()) {
            Sequence sequence = waiting.peek();
            // A step has one row for each running sequence; scored prompts may have taken the others' already.
            if (!places.haveRoom(sequence.width()) || sequence.width() > rows || plan.tokens() >= limits.tokens()) {
                return;
            }
            boolean swapped = sequence.table().swapped();
            if (!(swapped ? load(sequence) : open(sequence))) {
                return;
            }
            if (!swapped) {
                rows -= add(sequence, run(sequence, limits.tokens() - plan.tokens(), rows));
            }
        }
    }

    /// Blocks that must be left when `sequence` is admitted.
    private int spare(Sequence sequence) {
        return places.isEmpty() ? 0 : limits.watermark() + forkBlocks(sequence);
    }

    /// Admits the first of those that wait; false if blocks are missing.
    private boolean open(Sequence sequence) {
        while (sequence.table().open(sequence.length(), sequence.shareable(), spare(sequence)) > 0) {
            if (!alone() || !dropHeld(sequence)) {
                deferred = 1;
                return false;
            }
        }
        waiting.remove();
        start(sequence);
        return true;
    }

    /// Has the first of those that wait come back from the swap space; false if blocks are missing, or it has not
    /// yet left.
    private boolean load(Sequence sequence) {
        if (!sequence.table().out()) {
            return false;
        }
        while (sequence.table().swapIn(spare(sequence)) > 0) {
            if (!alone() || !dropHeld(sequence)) {
                deferred = 1;
                return false;
            }
        }
        waiting.remove();
        sequence.load();
        places.load(sequence);
        return true;
    }

    /// Whether nothing runs and nothing is under way that would give blocks back.
    private boolean alone() {
        return places.isEmpty() && pool.leaving() == 0;
    }

    /// Blocks that a group takes besides the leader's as soon as its followers write.
    private int forkBlocks(Sequence sequence) {
        return sequence.followers() == 0
                ? 0
                : sequence.followers() * layout.forkBlocks(sequence.length(), sequence.storedTokens());
    }

    private void start(Sequence sequence) {
        if (!sequence.started()) {
            unstarted--;
            prefixQueries += pool.index().on() ? sequence.shareable() : 0;
            prefixHits += sequence.table().length();
        }
        sequence.start();
        places.run(sequence);
    }

    /// Records that run `index` of the plan was computed; false if its sequence has left the step since.
    public boolean computed(int index) {
        Sequence sequence = plan.sequence(index);
        if (sequence.state() != Sequence.State.RUNNING) {
            return false;
        }
        sequence.table().append(plan.count(index));
        places.contiguous().computed(sequence, plan.count(index));
        return true;
    }

    /// The leader's prompt is computed: its next follower runs from now on, with what the leader's blocks hold; or
    /// waits, if the layout has no room for a copy of it. Returns it.
    public Sequence fork(Sequence leader) {
        Sequence follower = leader.follower(0);
        places.leaveFollower(leader);
        follower.leave(forkCopies);
        if (follower.state() == Sequence.State.RUNNING) {
            places.run(follower);
        } else {
            waiting.add(follower);
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

    /// Ends `sequence` if it wants no token at all, and so none may be drawn: a prompt that was only scored.
    public boolean endIfFull(Sequence sequence) {
        if (sequence.full()) {
            end(sequence, TokenBuffer.Ending.LENGTH, "");
            return true;
        }
        return false;
    }

    /// Throws if bookkeeping contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    public void checkInvariants() {
        layout.checkInvariants();
        int[] held = new int[pool.blocks()];
        places.checkInvariants(held);
        for (Sequence sequence : waiting) {
            sequence.countBlocks(held);
            if (sequence.state() != Sequence.State.WAITING
                    || (sequence.table().blocks() != 0 && !sequence.table().swapped())) {
                throw new CorruptStateException("waiting sequence must hold no block unless it is swapped: state="
                        + sequence.state() + ", blocks=" + sequence.table().blocks());
            }
        }
        for (int block = 0; block < held.length; block++) {
            if (held[block] != pool.refCount(block)) {
                throw new CorruptStateException("each entry of a table must be one reference: block=" + block
                        + ", entries=" + held[block] + ", refCount=" + pool.refCount(block));
            }
        }
    }
}
