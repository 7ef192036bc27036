package dev.quire.scheduler;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CorruptStateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Continuous batching under one token budget (Orca, OSDI 2022, section 4.1; chunked prefill: Sarathi, OSDI 2024).
///
/// A step takes the running sequences in (priority, arrival) order: one token each where they decode, a chunk of
/// what is left of the budget where they still prefill; every running sequence moves in every step. Then waiting
/// ones are admitted in the same order, with blocks for all tokens they have so far, as long as budget, bound and
/// blocks allow; what the prefix index holds of those tokens is shared and not computed, also where another
/// sequence computes it in this very step. When a running sequence finds no block, the one that is last in the
/// order gives up all of its own and waits; in such a step nobody is admitted. The first in the order therefore
/// always goes on, so nothing can deadlock in a pool that holds its longest request.
///
/// A group is admitted as its leader, with a place for each follower and, while others run, room for the copies of
/// the prompt's last block that their first writes will need.
///
/// A sequence that ends between plan and `computed` was not computed: sequences that shared what it was to compute
/// in that step give up their blocks and start again.
///
/// Cost of a plan: O(running + admitted). Invariants (`checkInvariants`): running is in order and within its
/// bound; waiting sequences hold no block; each entry of a running one's table is one reference, and there are no
/// others.
///
/// Not thread-safe: the engine thread owns it.
public final class Scheduler {
    private static final Comparator<Sequence> ORDER =
            Comparator.comparingInt(Sequence::priority).thenComparingLong(Sequence::arrival);

    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final PriorityQueue<Sequence> waiting = new PriorityQueue<>(ORDER);
    private final List<Sequence> running; // in ORDER
    private final StepPlan plan;
    private final ContiguousShadow contiguous;
    private int places; // of running sequences and their followers
    private long preemptions;
    private long restarts;
    private long prefixQueries;
    private long prefixHits;
    private int unstarted;
    private int deferred;

    /// For sequences of which any may fill the pool.
    public Scheduler(BlockPool pool, SchedulerLimits limits) {
        this(pool, limits, Math.multiplyExact(pool.blocks(), pool.blockSize()));
    }

    /// For sequences of at most `modelLength` tokens, prompt and generated.
    public Scheduler(BlockPool pool, SchedulerLimits limits, int modelLength) {
        this.pool = pool;
        this.limits = limits;
        running = new ArrayList<>(limits.sequences());
        contiguous = new ContiguousShadow(pool.blocks(), pool.blockSize(), modelLength, running);
        plan = new StepPlan(limits.sequences());
    }

    public int running() {
        return running.size();
    }

    /// Sequences that do not run, preempted ones included.
    public int waiting() {
        return waiting.size();
    }

    /// Sequences that have never run.
    public int unstarted() {
        return unstarted;
    }

    /// Preemptions since the start.
    public long preemptions() {
        return preemptions;
    }

    /// Waiting sequences that the last plan could not admit for want of blocks: 0 or 1, since the order is kept.
    public int deferred() {
        return deferred;
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

    /// Sequences at `index` of those that run, in order: for reports.
    public Sequence runningSequence(int index) {
        return running.get(index);
    }

    /// What a contiguous layout would take for the same sequences.
    public ContiguousShadow contiguous() {
        return contiguous;
    }

    public boolean idle() {
        return running.isEmpty() && waiting.isEmpty();
    }

    /// Takes a new sequence, which may lead others. Each must be able to run alone, and all must have a place at
    /// once.
    public void add(Sequence sequence) {
        int needed = pool.blocksFor(sequence.length());
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
            case RUNNING -> stopRunning(sequence);
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

    private void stopRunning(Sequence sequence) {
        running.remove(sequence);
        place(sequence, -sequence.width());
    }

    /// `count` sequences more like `sequence` run, or fewer.
    private void place(Sequence sequence, int count) {
        places += count;
        contiguous.add(sequence, count);
    }

    private void endFollower(Sequence follower) {
        if (follower.leader().state() == Sequence.State.RUNNING) {
            place(follower.leader(), -1);
        }
        follower.leader().unfollow(follower);
    }

    private static void endGroup(Sequence sequence, TokenBuffer.Ending ending, String failure) {
        for (int i = 0; i < sequence.followers(); i++) {
            sequence.follower(i).end(ending, failure);
        }
        sequence.end(ending, failure);
    }

    /// Has planned sequences start again whose shared prefix nobody will compute. Once through is enough: who shares
    /// what an orphan was to compute also shares all that the orphan does.
    private void restartOrphans() {
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            if (sequence.state() == Sequence.State.RUNNING && !sequence.table().prefixStands()) {
                stopRunning(sequence);
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
        running.forEach(sequence -> sequence.answer(ending, failure));
        waiting.forEach(sequence -> sequence.answer(ending, failure));
        while (!running.isEmpty()) {
            end(running.getLast(), ending, failure);
        }
        while (!waiting.isEmpty()) {
            end(waiting.peek(), ending, failure);
        }
    }

    /// Plans the next step. Blocks for every planned token are reserved.
    public StepPlan plan() {
        plan.clear();
        deferred = 0;
        long before = preemptions;
        int rows = limits.rows();
        int passed = 0; // places of the sequences that have been looked at
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            passed += sequence.width();
            int tokens = limits.tokens() - plan.tokens() - (running.size() - i - 1);
            int run = run(sequence, tokens, rows - (places - passed));
            if (reserve(sequence, sequence.computed() + run)) {
                rows -= add(sequence, run);
            }
        }
        if (preemptions == before) {
            admit(rows);
        }
        return plan;
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
    /// sequence itself.
    private boolean reserve(Sequence sequence, int tokens) {
        while (sequence.table().reserve(tokens, plan.copies()) > 0) {
            Sequence last = running.getLast();
            stopRunning(last);
            last.suspend();
            waiting.add(last);
            preemptions++;
            if (last == sequence) {
                return false;
            }
        }
        return true;
    }

    private void admit(int rowsLeft) {
        int rows = rowsLeft;
        while (!waiting.isEmpty()) {
            Sequence sequence = waiting.peek();
            // A step has one row for each running sequence; scored prompts may have taken the others' already.
            if (places + sequence.width() > limits.sequences()
                    || sequence.width() > rows
                    || plan.tokens() >= limits.tokens()) {
                return;
            }
            int spare = running.isEmpty() ? 0 : limits.watermark() + tailCopies(sequence);
            if (sequence.table().open(sequence.length(), sequence.shareable(), spare) > 0) {
                deferred = 1;
                return;
            }
            waiting.remove();
            start(sequence);
            rows -= add(sequence, run(sequence, limits.tokens() - plan.tokens(), rows));
        }
    }

    /// Blocks that the first writes of a group take besides the leader's.
    private int tailCopies(Sequence sequence) {
        return sequence.length() % pool.blockSize() == 0 ? 0 : sequence.followers();
    }

    private void start(Sequence sequence) {
        insert(sequence);
        if (!sequence.started()) {
            unstarted--;
            prefixQueries += pool.index().on() ? sequence.shareable() : 0;
            prefixHits += sequence.table().length();
        }
        sequence.start();
    }

    /// Into `running`, in order.
    private void insert(Sequence sequence) {
        int at = running.size();
        while (at > 0 && ORDER.compare(running.get(at - 1), sequence) > 0) {
            at--;
        }
        running.add(at, sequence);
        place(sequence, sequence.width());
    }

    /// Records that run `index` of the plan was computed; false if its sequence has left the step since.
    public boolean computed(int index) {
        Sequence sequence = plan.sequence(index);
        if (sequence.state() != Sequence.State.RUNNING) {
            return false;
        }
        sequence.table().append(plan.count(index));
        contiguous.computed(sequence, plan.count(index));
        return true;
    }

    /// The leader's prompt is computed: its next follower runs from now on, with the same blocks. Returns it.
    public Sequence fork(Sequence leader) {
        Sequence follower = leader.follower(0);
        place(leader, -1);
        follower.leave();
        insert(follower);
        return follower;
    }

    /// Adds the token that was drawn for `sequence`; ends it if that was its last.
    public void commit(Sequence sequence, int token) {
        TokenBuffer.Ending ending = sequence.append(token);
        if (ending != null) {
            end(sequence, ending, "");
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
        pool.checkInvariants();
        contiguous.checkInvariants();
        int[] held = new int[pool.blocks()];
        int counted = 0;
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            counted += sequence.width();
            sequence.table().checkInvariants();
            for (int k = 0; k < sequence.table().blocks(); k++) {
                held[sequence.table().block(k)]++;
            }
            if (sequence.state() != Sequence.State.RUNNING
                    || (i > 0 && ORDER.compare(running.get(i - 1), sequence) >= 0)) {
                throw new CorruptStateException("running must be in order: index=" + i + ", state=" + sequence.state()
                        + ", arrival=" + sequence.arrival());
            }
        }
        for (Sequence sequence : waiting) {
            if (sequence.state() != Sequence.State.WAITING || sequence.table().blocks() != 0) {
                throw new CorruptStateException("waiting sequence must hold no block: state=" + sequence.state()
                        + ", blocks=" + sequence.table().blocks());
            }
        }
        for (int block = 0; block < held.length; block++) {
            if (held[block] != pool.refCount(block)) {
                throw new CorruptStateException("each entry of a running table must be one reference: block=" + block
                        + ", entries=" + held[block] + ", refCount=" + pool.refCount(block));
            }
        }
        if (counted != places || places > limits.sequences()) {
            throw new CorruptStateException("running sequences must be counted and within their bound: places=" + places
                    + ", counted=" + counted + ", sequences=" + limits.sequences());
        }
    }
}
