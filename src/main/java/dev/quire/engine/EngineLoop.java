package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CorruptStateException;
import dev.quire.engine.StepClock.Part;
import dev.quire.kernel.Batch;
import dev.quire.kernel.KernelFaultException;
import dev.quire.kernel.Kernels;
import dev.quire.model.Transformer;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.util.concurrent.locks.LockSupport;

/// The step loop: inbox → plan → batch → forward → commit, again and again, on the one engine thread.
///
/// A step allocates nothing on the heap. What goes wrong inside one sequence ends that sequence; a step that the
/// kernels refuse ends the sequences in it; a fault of the device or of our own bookkeeping leaves `run` and stops
/// the engine.
final class EngineLoop {
    private final Inbox inbox;
    private final Outbox outbox;
    private final StatsWriter stats;
    private final BlockPool pool;
    private final Scheduler scheduler;
    private final Transformer transformer;
    private final Batch batch;
    private final BatchBuilder builder;
    private final BlockCopier copier;
    private final BlockMover mover;
    private final Inspector inspector;
    private final CacheFeed feed;
    private final Compactor compactor;
    private final StepClock clock = new StepClock(System::nanoTime);
    private final IdleCheck check = new IdleCheck();
    private volatile boolean stopping;
    private int unstarted;
    private boolean idle = true; // since the last turn

    EngineLoop(Inbox inbox, Outbox outbox, StatsBoard stats, ModelLoading loading) {
        this(
                inbox,
                outbox,
                stats,
                loading.layout(),
                loading.scheduler(),
                loading.transformer(),
                loading.kernels(),
                loading.batch());
    }

    EngineLoop(
            Inbox inbox,
            Outbox outbox,
            StatsBoard stats,
            CacheLayout layout,
            Scheduler scheduler,
            Transformer transformer,
            Kernels kernels,
            Batch batch) {
        this.inbox = inbox;
        this.outbox = outbox;
        this.stats = new StatsWriter(stats, layout, scheduler, clock);
        this.scheduler = scheduler;
        pool = layout.pool();
        this.transformer = transformer;
        this.batch = batch;
        copier = new BlockCopier(kernels);
        mover = new BlockMover(kernels, layout.transfers(), scheduler.cost());
        builder = new BatchBuilder(batch);
        inspector = new Inspector(pool, scheduler, stats);
        feed = new CacheFeed(pool.log(), stats);
        compactor = new Compactor(layout, scheduler);
    }

    /// Runs until `stop`, then ends what is left. The caller's thread becomes the engine thread.
    void run() {
        while (!stopping) {
            if (!turn() && inbox.isEmpty() && !stopping) {
                rest();
            }
        }
    }

    /// Sleeps until there is something to do.
    private void rest() {
        if (check.wanted()) {
            LockSupport.parkNanos(inbox, check.waitNanos(clock.markNanos()));
        } else {
            LockSupport.park(inbox);
        }
    }

    /// Takes what is in the inbox and computes one step; false if there was nothing to compute.
    boolean turn() {
        clock.lap(idle ? Part.WAIT : Part.DELIVER); // what came after the last step's numbers were published
        idle = false;
        pool.clock(clock.markNanos());
        feed.begin();
        mover.land();
        takeInbox();
        inbox.commands().carryOutNext();
        compactor.round();
        if (scheduler.idle()) {
            idle = true;
            settle();
            feed.deliver();
            return false;
        }
        step();
        feed.deliver();
        return true;
    }

    /// Says what does not change, before the first step.
    void publishPool(ModelLoading loading) {
        stats.pool(loading.kernels().blockBytes(), loading.model().contextLength(), loading.readinessLimits());
    }

    /// For commands, which run on the engine thread.
    Inspector inspector() {
        return inspector;
    }

    /// What becomes of blocks.
    CacheFeed feed() {
        return feed;
    }

    /// For commands, which run on the engine thread.
    Compactor compactor() {
        return compactor;
    }

    /// Any thread: makes `run` return after the current step.
    void stop() {
        stopping = true;
        inbox.wake();
    }

    /// Ends every sequence, those still in the inbox too.
    void endAll(String reason) {
        takeAdded();
        scheduler.endAll(TokenBuffer.Ending.FAILED, reason);
        releasePlaces();
        outbox.wake();
    }

    private void takeInbox() {
        takeAdded();
        for (Sequence sequence = inbox.takeStopped(); sequence != null; sequence = inbox.takeStopped()) {
            end(sequence, TokenBuffer.Ending.STOP, "");
        }
        for (Sequence sequence = inbox.takeCancelled(); sequence != null; sequence = inbox.takeCancelled()) {
            takeAdded(); // the cancelled one may have come in since
            end(sequence, TokenBuffer.Ending.CANCELLED, "");
        }
        releasePlaces();
    }

    private void takeAdded() {
        for (Sequence sequence = inbox.takeAdded(); sequence != null; sequence = inbox.takeAdded()) {
            scheduler.add(sequence);
            unstarted++;
        }
    }

    /// Gives places of the waiting bound back for sequences that have started or ended since the last call.
    private void releasePlaces() {
        int started = unstarted - scheduler.unstarted();
        if (started > 0) {
            unstarted -= started;
            inbox.free(started);
        }
    }

    /// Nothing is left to do: every block must be back.
    private void settle() {
        if (pool.inUse() != 0) {
            throw new CorruptStateException("an idle engine must hold no block: inUse=" + pool.inUse());
        }
        if (check.wanted() && check.waitNanos(clock.markNanos()) == 0) {
            scheduler.checkInvariants();
            check.done(clock.markNanos());
        }
        clock.lap(Part.SCHEDULE);
        stats.step(0, 0);
    }

    private void step() {
        check.ran();
        StepPlan plan = scheduler.plan();
        stats.peaks();
        releasePlaces();
        clock.lap(Part.SCHEDULE);
        if (plan.sequences() == 0) {
            copier.carryOut(plan.copies());
            waitForBlocks();
            return;
        }
        builder.build(plan);
        int promptTokens = plan.tokens() - decoding(plan);
        clock.lap(Part.BUILD);
        int drawn = 0;
        // Not within what fails a step: sequences that are not in it, and cached prefixes, may have been moved too.
        copier.carryOut(plan.copies());
        try {
            mover.begin();
            compute(plan, promptTokens);
            drawn = commit(plan);
        } catch (IllegalArgumentException | IllegalStateException e) {
            clock.lap(Part.KERNELS);
            endPlanned(plan, e.getMessage());
        }
        clock.lap(Part.DELIVER);
        stats.step(promptTokens, drawn);
        outbox.wake();
    }

    private void compute(StepPlan plan, int promptTokens) {
        long start = System.nanoTime();
        transformer.forward(batch);
        if (2 * promptTokens > plan.tokens()) {
            scheduler.cost().computed(System.nanoTime() - start, plan.tokens());
        }
        clock.lap(Part.KERNELS, Part.SAMPLE, transformer.sampleNanos());
    }

    /// Nothing can be computed until blocks have come back or made room.
    private void waitForBlocks() {
        if (!scheduler.transferring()) {
            throw new CorruptStateException("a step must compute something: running=" + scheduler.running()
                    + ", waiting=" + scheduler.waiting() + ", available=" + pool.available());
        }
        mover.begin();
        Thread.onSpinWait();
        clock.lap(Part.KERNELS);
    }

    private static int decoding(StepPlan plan) {
        int decoding = 0;
        for (int i = 0; i < plan.sequences(); i++) {
            if (plan.count(i) == 1
                    && plan.sequence(i).computed() >= plan.sequence(i).promptLength()) {
                decoding++;
            }
        }
        return decoding;
    }

    /// Returns the tokens drawn.
    private int commit(StepPlan plan) {
        for (int i = 0; i < plan.sequences(); i++) {
            scheduler.computed(i); // all of them, before one may end and take its blocks out of the index
        }
        int drawn = 0;
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            try {
                commitScores(i, sequence);
                drawn += commitTokens(i, sequence);
            } catch (CorruptStateException | KernelFaultException e) {
                throw e;
            } catch (RuntimeException e) {
                fail(sequence, e.getMessage());
            }
        }
        return drawn;
    }

    private void commitScores(int index, Sequence sequence) {
        int first = builder.firstScoreRow(index);
        for (int row = first; row < first + builder.scores(index); row++) {
            TokenBuffer scores = sequence.promptScores();
            copyLogprobs(row, scores);
            scores.append(batch.scoredToken.get(row));
        }
    }

    /// Returns the tokens drawn for the sequence and those that follow it, which go their own ways from here.
    private int commitTokens(int index, Sequence sequence) {
        int row = builder.drawRow(index);
        if (row == BatchBuilder.NO_ROW) {
            if (sequence.pending() == 0 && scheduler.endIfFull(sequence)) {
                stats.count(sequence);
            }
            return 0;
        }
        if (sequence.beams().isPresent()) {
            return commitBeam(sequence, row);
        }
        int drawn = 0;
        for (int next = row + 1; sequence.followers() > 0; next++) {
            drawn += commitToken(scheduler.fork(sequence), next);
        }
        return drawn + commitToken(sequence, row);
    }

    private int commitToken(Sequence sequence, int row) {
        int token = batch.outToken.get(row);
        if (token == Batch.NO_TOKEN) {
            failWithoutToken(sequence);
            return 0;
        }
        copyLogprobs(row, sequence.output());
        scheduler.commit(sequence, token);
        countIfEnded(sequence);
        return 1;
    }

    private void failWithoutToken(Sequence sequence) {
        fail(sequence, "the model gave no number for any token: position=" + sequence.length());
    }

    /// Offers what may follow `beam`; one that has ended with its group in this commit is left alone.
    private int commitBeam(Sequence beam, int row) {
        if (beam.state() != Sequence.State.RUNNING) {
            return 0;
        }
        if (batch.outToken.get(row) == Batch.NO_TOKEN) {
            failWithoutToken(beam);
            return 0;
        }
        BeamGroup group = beam.beams().orElseThrow();
        for (int rank = 0; rank < group.candidates(); rank++) {
            int at = row * Batch.TOP_LOGPROBS + rank;
            group.offer(beam, batch.topToken.get(at), batch.topLogprob.get(at));
        }
        scheduler.offered(beam);
        countIfEnded(beam);
        return 1;
    }

    private void countIfEnded(Sequence sequence) {
        if (sequence.state() == Sequence.State.ENDED) {
            stats.count(sequence);
        }
    }

    private void copyLogprobs(int row, TokenBuffer buffer) {
        if (buffer.alternatives() == TokenBuffer.NO_LOGPROBS) {
            return;
        }
        buffer.nextLogprob(batch.outLogprob.get(row));
        for (int rank = 0; rank < buffer.alternatives(); rank++) {
            int at = row * Batch.TOP_LOGPROBS + rank;
            buffer.nextAlternative(rank, batch.topToken.get(at), batch.topLogprob.get(at));
        }
    }

    private void endPlanned(StepPlan plan, String message) {
        for (int i = 0; i < plan.sequences(); i++) {
            fail(plan.sequence(i), message);
        }
    }

    private void fail(Sequence sequence, String message) {
        end(sequence, TokenBuffer.Ending.FAILED, message);
    }

    /// Ends a sequence, and those that follow it; one that has already ended is left as it is.
    private void end(Sequence sequence, TokenBuffer.Ending ending, String failure) {
        if (sequence.state() != Sequence.State.ENDED) {
            scheduler.end(sequence, ending, failure);
            stats.count(sequence);
        }
    }
}
