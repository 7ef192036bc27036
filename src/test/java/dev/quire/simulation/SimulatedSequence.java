package dev.quire.simulation;

import dev.quire.cache.SequenceBlocks;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.List;
import java.util.Optional;

/// A sequence of the scheduler, beside its twin and what the simulation knows of it.
final class SimulatedSequence {
    final Workload.Request request;
    final int choice;
    final Sequence sequence;
    final Optional<BeamTwin> beams; // of the search that it is a beam of
    Twin twin; // of a beam: as it is now

    private final int[] block; // [maxBlocks] what its table held after the last step
    private int blocks;
    private int first;
    private boolean loading;
    private int length; // tokens that it held then
    private TokenBuffer.Ending disturbed;

    /// Tokens that steps have computed for it.
    int computedTokens;

    /// It gave up its blocks at least once, and so computes tokens again.
    boolean interrupted;

    /// It was forked in this step, or moved for a fork: the next step fills its blocks by copies.
    boolean copied;

    /// It fails when its next token is drawn.
    boolean failsAtCommit;

    SimulatedSequence(Workload.Request request, int choice, Sequence sequence, Workload.Setup setup) {
        this(request, choice, sequence, setup, Optional.empty());
    }

    SimulatedSequence(
            Workload.Request request, int choice, Sequence sequence, Workload.Setup setup, Optional<BeamTwin> beams) {
        this.beams = beams;
        this.request = request;
        this.choice = choice;
        this.sequence = sequence;
        twin = beams.isPresent() ? new Twin(request, List.of()) : new Twin(request, choice, setup.vocabulary());
        block = new int[2 * setup.blocks()];
    }

    boolean running() {
        return sequence.state() == Sequence.State.RUNNING;
    }

    /// It is ended by something else than its own last token.
    void disturb(TokenBuffer.Ending ending) {
        disturbed = disturbed == null ? ending : disturbed;
    }

    /// How it must have ended when all is over.
    TokenBuffer.Ending expectedEnding() {
        return disturbed == null ? twin.ending : disturbed;
    }

    boolean complete() {
        return disturbed == null;
    }

    /// It has just been admitted: it holds blocks, and held none before, and no other beam of its search did.
    boolean admitted() {
        return blocks == 0 && !(beams.isPresent() && beams.get().held());
    }

    /// Leading tokens that it may find in the cache.
    int shareable() {
        if (beams.isPresent()) {
            return beams.get().shareable();
        }
        return sequence.scoring() ? sequence.promptScores().count() : sequence.length();
    }

    /// Notes where its blocks begin.
    void noteFirst() {
        first = sequence.table().blocks() == 0 ? -1 : sequence.table().block(0);
    }

    /// Whether they begin somewhere else since then.
    boolean hasMoved() {
        return first >= 0 && sequence.table().blocks() > 0 && sequence.table().block(0) != first;
    }

    /// Whether the `index`-th block of its table has come since the last step, by allocation or by a copy. What it
    /// shares from its admission on was there before.
    boolean fresh(int index, int blockSize) {
        boolean again = sequence.table().length() < length; // it gave way, and was admitted again in the same plan
        interrupted |= again;
        if (index < blocks && !again) {
            if (block[index] < 0 || loading) {
                return false; // what it holds has come back
            }
            return block[index] != sequence.table().block(index);
        }
        return !(again || blocks == 0) || index * blockSize >= sequence.table().sharedTokens();
    }

    /// Notes what its table holds at the end of a step.
    void remember() {
        SequenceBlocks table = sequence.table();
        blocks = copied ? 0 : table.blocks();
        copied = false;
        length = table.length();
        loading = sequence.state() == Sequence.State.LOADING;
        for (int i = 0; i < blocks; i++) {
            block[i] = table.block(i);
        }
        interrupted |= sequence.started() && sequence.state() == Sequence.State.WAITING;
        beams.ifPresent(BeamTwin::remember);
    }

    @Override
    public String toString() {
        return "request=" + request.id() + ", choice=" + choice + ", state=" + sequence.state();
    }
}
