package dev.quire.scheduler;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CorruptStateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// Continuous batching under one token budget (Orca, OSDI 2022, section 4.1; chunked prefill: Sarathi, OSDI 2024).
///
/// A step takes the running sequences in (priority, arrival) order: one token each where they decode, a chunk of what
/// is left of the budget where they still prefill; every running sequence moves in every step. Then waiting ones are
/// admitted in the same order, with blocks for all tokens they have so far, as long as budget, bound and blocks allow.
/// When a running sequence finds no block, the one that is last in the order gives up all of its own and waits; in
/// such a step nobody is admitted. The first in the order therefore always goes on, so nothing can deadlock in a pool
/// that holds its longest request.
///
/// Cost of a plan: O(running + admitted). Invariants (`checkInvariants`): running is in order and within its bound;
/// waiting sequences hold no block; the blocks of the running ones are exactly those in use.
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
    private long preemptions;
    private int unstarted;
    private int deferred;

    public Scheduler(BlockPool pool, SchedulerLimits limits) {
        this.pool = pool;
        this.limits = limits;
        running = new ArrayList<>(limits.sequences());
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

    /// Tokens whose keys and values the running sequences hold.
    public long tokensStored() {
        long tokens = 0;
        for (int i = 0; i < running.size(); i++) {
            tokens += running.get(i).computed();
        }
        return tokens;
    }

    public boolean idle() {
        return running.isEmpty() && waiting.isEmpty();
    }

    /// Takes a new sequence. It must be able to run alone.
    public void add(Sequence sequence) {
        int needed = pool.blocksFor(sequence.length());
        if (needed > pool.blocks()) {
            throw new IllegalArgumentException(
                    "sequence must fit the pool: neededBlocks=" + needed + ", blocks=" + pool.blocks());
        }
        if (sequence.state() != Sequence.State.WAITING) {
            throw new IllegalStateException("sequence must be new: state=" + sequence.state());
        }
        waiting.add(sequence);
        unstarted++;
    }

    /// Ends a sequence early; its blocks are free at once. One that has already ended is left as it is.
    public void end(Sequence sequence, TokenBuffer.Ending ending, String failure) {
        switch (sequence.state()) {
            case RUNNING -> running.remove(sequence);
            case WAITING -> waiting.remove(sequence);
            case ENDED -> {
                return;
            }
        }
        if (!sequence.started()) {
            unstarted--;
        }
        sequence.end(ending, failure);
    }

    /// Ends every sequence. All are answered before a block is given back, which may throw if the pool is in doubt.
    public void endAll(TokenBuffer.Ending ending, String failure) {
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
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            int later = running.size() - i - 1;
            int run = run(sequence, limits.tokens() - plan.tokens() - later, rows - later);
            if (reserve(sequence, sequence.computed() + run)) {
                plan.add(sequence, run);
                rows -= rows(sequence, run);
            }
        }
        if (preemptions == before) {
            admit(rows);
        }
        return plan;
    }

    /// Tokens of `sequence` that fit: a prompt that is scored needs a logit row for each.
    private static int run(Sequence sequence, int tokens, int rows) {
        return Math.min(sequence.pending(), sequence.scoring() ? Math.min(tokens, rows) : tokens);
    }

    private static int rows(Sequence sequence, int run) {
        return sequence.scoring() ? run : 1;
    }

    /// Reserves blocks for `tokens` tokens in all, preempting from the end of the order; false if that reached the
    /// sequence itself.
    private boolean reserve(Sequence sequence, int tokens) {
        while (sequence.table().reserve(tokens) > 0) {
            Sequence last = running.removeLast();
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
        while (!waiting.isEmpty() && running.size() < limits.sequences()) {
            Sequence sequence = waiting.peek();
            int run = run(sequence, limits.tokens() - plan.tokens(), rows);
            // A step has one row for each running sequence; scored prompts may have taken the others' already.
            if (run <= 0 || rows <= 0) {
                return;
            }
            int watermark = running.isEmpty() ? 0 : limits.watermark();
            if (pool.blocksFor(sequence.length()) + watermark > pool.free()
                    || sequence.table().reserve(sequence.length()) > 0) {
                deferred = 1;
                return;
            }
            waiting.remove();
            insert(sequence);
            if (!sequence.started()) {
                unstarted--;
            }
            sequence.start();
            plan.add(sequence, run);
            rows -= rows(sequence, run);
        }
    }

    /// Into `running`, in order.
    private void insert(Sequence sequence) {
        int at = running.size();
        while (at > 0 && ORDER.compare(running.get(at - 1), sequence) > 0) {
            at--;
        }
        running.add(at, sequence);
    }

    /// Records that run `index` of the plan was computed.
    public void computed(int index) {
        Sequence sequence = plan.sequence(index);
        sequence.table().append(plan.count(index));
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
        int blocks = 0;
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            blocks += sequence.table().blocks();
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
        if (blocks != pool.inUse() || running.size() > limits.sequences()) {
            throw new CorruptStateException("running sequences must hold the blocks in use: blocks=" + blocks
                    + ", inUse=" + pool.inUse() + ", running=" + running.size());
        }
    }
}
