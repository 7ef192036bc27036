package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.BlockPool;
import dev.quire.cache.BlockTransfers;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.SequenceBlocks;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.StepPlan;
import java.util.ArrayList;
import java.util.List;

/// What the engine and its kernels do with a plan, on a `FakeMemory`: the batch is built from the plan; then the
/// copies are made in their order; then everything that the step computes is written; then every sequence reads
/// its whole context through its block table and must find what its twin has.
final class FakeEngine {
    /// A run of one sequence in the batch.
    ///
    /// - `first`, `count`: the positions computed; `slot`: [count] where they are written, or `NO_SLOT`
    /// - `lastSlot`: where the last of them is, written now or shared
    /// - `draws`: a token is drawn for it
    record Run(SimulatedSequence sequence, int first, int count, int[] slot, int lastSlot, boolean draws) {}

    private final Workload.Memory setup;
    private final BlockTransfers transfers;
    private final List<Move> moves = new ArrayList<>();
    private long tickets;
    private final BlockPool pool;
    private final Scheduler scheduler;
    private final List<SimulatedSequence> sequences; // by arrival number
    private final FakeMemory memory;
    private final List<Run> runs = new ArrayList<>();
    private final List<Integer> fresh = new ArrayList<>(); // blocks taken for the step
    private final List<Integer> kept = new ArrayList<>(); // slots of each that a copy fills
    private BlockCopies copies;

    /// A copy to or from the swap space that has begun.
    private record Move(boolean out, int block, int slot, long ticket, int until) {}

    FakeEngine(CacheLayout layout, Workload.Memory setup, Scheduler scheduler, List<SimulatedSequence> sequences) {
        this.setup = setup;
        this.transfers = layout.transfers();
        this.pool = layout.pool();
        this.scheduler = scheduler;
        this.sequences = sequences;
        memory = new FakeMemory(pool.blocks(), pool.blockSize(), setup.slots());
    }

    /// Whether nothing may yet be said of what `block` holds.
    boolean inTransit(int block) {
        for (int i = 0; i < transfers.due(); i++) {
            if (transfers.block(i) == block) {
                return true;
            }
        }
        return moves.stream().anyMatch(move -> move.block() == block);
    }

    /// Copies whose time has come are done, in the order of their tickets.
    void land(int now) {
        while (transfers.inFlight() > 0 && done(transfers.ticket(), now)) {
            long ticket = transfers.ticket();
            while (!moves.isEmpty() && moves.getFirst().ticket() == ticket) {
                Move move = moves.removeFirst();
                memory.move(move.out(), move.block(), move.slot());
            }
            transfers.done();
        }
    }

    private boolean done(long ticket, int now) {
        return moves.stream().filter(move -> move.ticket() == ticket).allMatch(move -> move.until() <= now);
    }

    /// Begins the copies that are due: all that leave, and some of those that come back.
    private void begin(int now) {
        int back = 0;
        while (transfers.due() > 0 && (transfers.out(0) || back++ < 2)) {
            boolean out = transfers.out(0);
            int takes = setup.latency() == 0 ? 0 : (int) (tickets % (setup.latency() + 1));
            moves.add(new Move(out, transfers.block(0), transfers.slot(0), tickets, now + 1 + takes));
            memory.moving(out, transfers.block(0), transfers.slot(0));
            transfers.begun(1, tickets++);
        }
    }

    FakeMemory memory() {
        return memory;
    }

    /// Blocks that the plan took, for new tokens or for copies.
    List<Integer> fresh() {
        return fresh;
    }

    /// Builds the batch: from here on, only copies, tokens, positions, slots and tables count.
    List<Run> build(StepPlan plan) {
        copies = plan.copies();
        findFreshBlocks();
        runs.clear();
        for (int i = 0; i < plan.sequences(); i++) {
            SimulatedSequence sequence = sequences.get((int) plan.sequence(i).arrival());
            SequenceBlocks table = sequence.sequence.table();
            int first = sequence.sequence.computed();
            int[] slot = new int[plan.count(i)];
            for (int k = 0; k < slot.length; k++) {
                slot[k] = (int) table.slot(first + k);
                checkSlot(sequence, first + k, slot[k]);
            }
            boolean draws = plan.draws(i) && sequence.sequence.generates();
            int last = first + slot.length - 1;
            int lastSlot = table.block(last / pool.blockSize()) * pool.blockSize() + last % pool.blockSize();
            runs.add(new Run(sequence, first, slot.length, slot, lastSlot, draws));
        }
        return runs;
    }

    /// Blocks that were taken for this step. A copy keeps what was copied, as far as its sequence has computed it.
    private void findFreshBlocks() {
        fresh.clear();
        kept.clear();
        for (SimulatedSequence sequence : running()) {
            SequenceBlocks table = sequence.sequence.table();
            for (int k = 0; k < table.blocks(); k++) {
                // A beam that was forked in this plan has its copy of what it shared then.
                boolean beam = sequence.beams.isPresent() && copied(table.block(k));
                if (beam || sequence.fresh(k, pool.blockSize())) {
                    fresh.add(table.block(k));
                    int held = Math.max(table.length(), beam ? table.sharedTokens() : 0);
                    int copied = Math.clamp(held - k * pool.blockSize(), 0, pool.blockSize());
                    kept.add(copied(table.block(k)) ? copied : 0);
                }
            }
        }
    }

    /// Who runs, in the order; of a search every beam that may hold blocks.
    List<SimulatedSequence> running() {
        List<SimulatedSequence> running = new ArrayList<>();
        for (int i = 0; i < scheduler.running(); i++) {
            SimulatedSequence sequence =
                    sequences.get((int) scheduler.runningSequence(i).arrival());
            sequence.beams.ifPresentOrElse(beams -> running.addAll(beams.places()), () -> running.add(sequence));
        }
        return running;
    }

    private boolean copied(int block) {
        for (int i = 0; i < copies.count(); i++) {
            if (copies.destination(i) == block) {
                return true;
            }
        }
        return false;
    }

    /// A shared position is computed for its logits alone, so it is the last, and is not written; nobody else may
    /// hold a block that is written, unless the step promises all of it to those who share it.
    private void checkSlot(SimulatedSequence sequence, int position, int slot) {
        boolean shared = position < sequence.sequence.table().sharedTokens();
        if (shared != (slot == SequenceBlocks.NO_SLOT) || (shared && position != sequence.sequence.length() - 1)) {
            fail("only the last token is computed where it is shared, and not written: position=" + position + ", slot="
                    + slot + ", " + sequence);
        }
        if (!shared) {
            int block = slot / pool.blockSize();
            if (pool.refCount(block) != 1 && !pool.index().pending(block)) {
                fail("written block must have one holder or be promised: block=" + block + ", refCount="
                        + pool.refCount(block) + ", position=" + position + ", " + sequence);
            }
        }
    }

    /// Carries the batch out. Sequences that have left the step since it was built leave garbage.
    void carryOut(int now) {
        moveBlocks();
        begin(now);
        for (Run run : runs) {
            for (int k = 0; k < run.count; k++) {
                if (run.slot[k] != SequenceBlocks.NO_SLOT) {
                    if (run.sequence.running()) {
                        memory.write(run.slot[k], run.sequence.twin.content[run.first + k]);
                    } else {
                        memory.spoil(run.slot[k]);
                    }
                }
            }
        }
        for (Run run : runs) {
            if (run.sequence.running()) {
                checkReads(run);
            }
        }
    }

    /// The kernels stop somewhere in the middle of the step: what it was to write is garbage.
    void carryOutBadly(int now) {
        moveBlocks();
        begin(now);
        for (Run run : runs) {
            for (int slot : run.slot) {
                if (slot != SequenceBlocks.NO_SLOT) {
                    memory.spoil(slot);
                }
            }
        }
    }

    /// Nothing can be computed yet.
    void idle(int now) {
        moveBlocks();
        begin(now);
    }

    private void moveBlocks() {
        for (int i = 0; i < copies.count(); i++) {
            memory.copy(copies.source(i), copies.destination(i));
        }
        for (int i = 0; i < fresh.size(); i++) {
            memory.wipe(fresh.get(i), kept.get(i));
        }
    }

    private void checkReads(Run run) {
        SequenceBlocks table = run.sequence.sequence.table();
        int blockSize = pool.blockSize();
        int end = run.first + run.count;
        for (int from = 0; from < end; from += blockSize) {
            int block = table.block(from / blockSize);
            int count = Math.min(blockSize, end - from);
            int offset = memory.mismatch(block, run.sequence.twin.content, from, count);
            if (offset >= 0) {
                fail("sequence must read what it would write itself: position=" + (from + offset) + ", block=" + block
                        + ", found=" + describe(memory.read(block * blockSize + offset)) + ", " + run.sequence);
            }
        }
    }

    /// The token drawn after the last position of `run` for `sequence`, which may follow the run's. What the run
    /// holds may have been moved for a fork since, by a copy that is not made yet.
    int draw(Run run, SimulatedSequence sequence, int vocabulary) {
        int last = run.first + run.count - 1;
        return Twin.draw(sequence.sequence.sampling().seed(), last + 1, memory.read(run.lastSlot), vocabulary);
    }

    /// Offers what may follow the last position of `run`, which is a beam's.
    void offer(Run run) {
        run.sequence.beams.orElseThrow().offer(run.sequence, memory.read(run.lastSlot));
    }

    private String describe(long content) {
        if (content == FakeMemory.NOTHING || content == FakeMemory.GARBAGE) {
            return content == FakeMemory.NOTHING ? "nothing" : "garbage";
        }
        for (SimulatedSequence sequence : sequences) {
            for (int position = 0; position < sequence.twin.content.length; position++) {
                if (sequence.twin.content[position] == content) {
                    return "position " + position + " of (" + sequence + ")";
                }
            }
        }
        return "unknown";
    }
}
