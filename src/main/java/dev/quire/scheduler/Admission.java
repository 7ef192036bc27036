package dev.quire.scheduler;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CorruptStateException;
import java.util.PriorityQueue;
import java.util.function.Consumer;

/// The sequences that wait, and which of them may start: the first in the order, as long as budget, places and
/// blocks allow; never one before another that came earlier.
///
/// A group is admitted as its leader, with a place for each follower. While others run, blocks must be left for
/// what its followers write first and for the watermark, or, by `AdmissionPolicy.WORST_CASE`, for the longest that
/// all can get.
///
/// Cost: O(admitted) a plan, by `WORST_CASE` O(admitted · running). Invariants (`checkInvariants`): those that
/// wait hold no block, but for swapped ones what they share. Not thread-safe: the engine thread owns it.
final class Admission {
    private final CacheLayout layout;
    private final BlockPool pool;
    private final SchedulerLimits limits;
    private final Places places;
    private final PriorityQueue<Sequence> waiting = new PriorityQueue<>(Places.ORDER);
    private long prefixQueries;
    private long prefixHits;
    private int unstarted;
    private int deferred;

    Admission(CacheLayout layout, SchedulerLimits limits, Places places) {
        this.layout = layout;
        this.limits = limits;
        this.places = places;
        pool = layout.pool();
    }

    int waiting() {
        return waiting.size();
    }

    /// Sequences that have never run.
    int unstarted() {
        return unstarted;
    }

    /// Sequences that the last plan could not admit for want of blocks: 0 or 1, since the order is kept.
    int deferred() {
        return deferred;
    }

    long prefixQueries() {
        return prefixQueries;
    }

    long prefixHits() {
        return prefixHits;
    }

    /// The first in the order; null if nobody waits.
    Sequence first() {
        return waiting.peek();
    }

    /// Takes a new sequence, which may lead others. Each must be able to run alone, and all must have a place at
    /// once.
    void add(Sequence sequence) {
        int needed = Demand.mostBlocks(sequence, layout);
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

    /// Takes one that has given way, or could not start.
    void back(Sequence sequence) {
        waiting.add(sequence);
    }

    /// `sequence` waits no more, since it ends.
    void remove(Sequence sequence) {
        waiting.remove(sequence);
    }

    /// `sequence`, or the one that leads it, has ended before it ever ran.
    void endedUnstarted() {
        unstarted--;
    }

    /// Nobody has been deferred by the plan that begins.
    void beginPlan() {
        deferred = 0;
    }

    /// Those that run needed the blocks: nobody is admitted.
    void defer() {
        deferred = waiting.isEmpty() ? 0 : 1;
    }

    /// Adds those to `plan` that may start; `rowsLeft` are its free logit rows.
    void admit(StepPlan plan, int rowsLeft) {
        int rows = rowsLeft;
        while (!waiting.isEmpty()) {
            Sequence sequence = waiting.peek();
            // A step has one row for each running sequence; scored prompts may have taken the others' already.
            if (!places.haveRoom(sequence.width())
                    || sequence.width() > rows
                    || plan.tokens() + sequence.lanes() > limits.tokens()) {
                return;
            }
            boolean swapped = sequence.table().swapped();
            if (!(swapped ? load(sequence) : open(sequence))) {
                return;
            }
            if (!swapped) {
                rows -= plan.add(sequence, sequence.run(limits.tokens() - plan.tokens(), rows));
            }
        }
    }

    /// Admits the first of those that wait; false if blocks are missing.
    private boolean open(Sequence sequence) {
        while (sequence.open(spare(sequence)) > 0) {
            if (!alone() || !dropHeld(sequence)) {
                deferred = 1;
                return false;
            }
        }
        waiting.remove();
        start(sequence);
        return true;
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

    /// Takes the shared blocks that a swapped sequence kept, the last in the order first, but none before
    /// `sequence`; it is computed again. So nobody can be stopped by what those hold that wait. False if there is
    /// none.
    boolean dropHeld(Sequence sequence) {
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

    /// Blocks that must be left when `sequence` is admitted. Nothing runs: none, so that any may start.
    private int spare(Sequence sequence) {
        if (places.isEmpty()) {
            return 0;
        }
        long more =
                switch (limits.admission()) {
                    case OPTIMISTIC -> Demand.forkBlocks(sequence, layout);
                    case WORST_CASE -> Demand.moreBlocks(sequence, layout);
                };
        return (int) Math.min(Integer.MAX_VALUE, kept() + more);
    }

    /// Blocks that are kept for those who run.
    private long kept() {
        return switch (limits.admission()) {
            case OPTIMISTIC -> limits.watermark() == 0 ? 0 : Math.max(limits.watermark(), places.taken());
            case WORST_CASE -> promised();
        };
    }

    /// Blocks that a sequence could have if it came now: none while another waits for some.
    int headroom() {
        long kept = places.isEmpty() ? 0 : kept();
        return deferred > 0 ? 0 : (int) Math.max(0, pool.available() - kept);
    }

    /// Blocks that those who run or load may still come to take; what this plan needs they have taken, copies of
    /// shared blocks too.
    private long promised() {
        long promised = 0;
        for (int i = 0; i < places.running(); i++) {
            promised += Demand.moreBlocks(places.running(i), layout);
        }
        for (int i = 0; i < places.loading(); i++) {
            promised += Demand.moreBlocks(places.loading(i), layout);
        }
        return promised;
    }

    /// Tells the readers of all that no more comes.
    void answer(TokenBuffer.Ending ending, String failure) {
        waiting.forEach(sequence -> sequence.answer(ending, failure));
    }

    void forEach(Consumer<Sequence> each) {
        waiting.forEach(each);
    }

    /// Throws if what waits contradicts itself, else counts the references of each block in `held`.
    void checkInvariants(int[] held) {
        for (Sequence sequence : waiting) {
            sequence.countBlocks(held);
            if (sequence.state() != Sequence.State.WAITING
                    || (sequence.holds() && !sequence.table().swapped())) {
                throw new CorruptStateException("waiting sequence must hold no block unless it is swapped: state="
                        + sequence.state() + ", blocks=" + sequence.table().blocks());
            }
        }
    }
}
