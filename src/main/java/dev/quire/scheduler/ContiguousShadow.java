package dev.quire.scheduler;

import dev.quire.cache.CorruptStateException;
import java.util.List;

/// What a contiguous layout would take for the sequences that run: for each a run of adjacent blocks as long as it
/// can ever get, taken when it starts, nothing shared. That is what serving systems did before paging
/// (PagedAttention, arXiv 2309.06180, section 3). Two lengths are looked at: the *model*'s for every sequence, and
/// what each *request* can reach, prompt and answer.
///
/// Each choice of a group counts from the start of its leader on, with a prompt of its own, and each place for a beam
/// as if one lived there. Runs are whole blocks,
/// and gaps between them are not counted: a real one takes more.
///
/// O(1) when a sequence starts, computes or stops, but for `requestFitting`, which goes through the running
/// sequences once after a start or a stop if they do not all fit. Invariants (`checkInvariants`): the sums say what
/// the running sequences say; nobody holds more than is reserved. Not thread-safe: the engine thread owns it.
public final class ContiguousShadow {
    private final int blocks;
    private final int blockSize;
    private final int modelRun; // blocks for the model's length
    private final List<Sequence> running; // the scheduler's, in order of admission
    private int sequences;
    private long requestBlocks;
    private long tokens;
    private int requestFitting;
    private boolean changed; // since `requestFitting` was counted

    /// For a pool of `blocks` blocks of `blockSize` tokens, which `running` share, and sequences of at most
    /// `modelLength` tokens.
    ContiguousShadow(int blocks, int blockSize, int modelLength, List<Sequence> running) {
        this.blocks = blocks;
        this.blockSize = blockSize;
        this.running = running;
        modelRun = Math.ceilDiv(modelLength, blockSize);
    }

    /// Sequences that have a run: those that run and those that follow one.
    public int sequences() {
        return sequences;
    }

    /// Tokens that they would hold, each on its own.
    public long tokens() {
        return tokens;
    }

    /// Blocks that are reserved with the model's length.
    public long modelBlocks() {
        return (long) sequences * modelRun;
    }

    /// Blocks that are reserved with each request's own.
    public long requestBlocks() {
        return requestBlocks;
    }

    /// Sequences whose runs fit the pool at once with the model's length.
    public int modelFitting() {
        return Math.min(sequences, blocks / modelRun);
    }

    /// Sequences whose runs fit the pool at once with each request's own length, in the order of admission up to the
    /// first that does not.
    public int requestFitting() {
        if (changed) {
            requestFitting = requestBlocks <= blocks ? sequences : countFitting();
            changed = false;
        }
        return requestFitting;
    }

    private int countFitting() {
        int fitting = 0;
        int left = blocks;
        for (int i = 0; i < running.size(); i++) {
            Sequence sequence = running.get(i);
            int run = run(sequence);
            int runs = Math.min(sequence.width(), left / run);
            fitting += runs;
            left -= runs * run;
            if (runs < sequence.width()) {
                break;
            }
        }
        return fitting;
    }

    /// `count` sequences more like `sequence` have a run, or fewer.
    void add(Sequence sequence, int count) {
        sequences += count;
        requestBlocks += (long) count * run(sequence);
        tokens += (long) count * sequence.progress();
        changed = true;
    }

    /// `sequence`, and so each that follows it, holds `added` tokens more.
    void computed(Sequence sequence, int added) {
        tokens += (long) sequence.width() * added;
    }

    private int run(Sequence sequence) {
        return Math.ceilDiv(sequence.maxLength(), blockSize);
    }

    /// Throws if the sums contradict the sequences: after each operation in tests, when the engine falls idle in
    /// production.
    void checkInvariants() {
        int countedSequences = 0;
        long countedBlocks = 0;
        long countedTokens = 0;
        for (Sequence sequence : running) {
            countedSequences += sequence.width();
            countedBlocks += (long) sequence.width() * run(sequence);
            countedTokens += (long) sequence.width() * sequence.progress();
        }
        if (countedSequences != sequences
                || countedBlocks != requestBlocks
                || countedTokens != tokens
                || tokens > requestBlocks * blockSize
                || requestFitting() != countFitting()) {
            throw new CorruptStateException("shadow must say what the sequences say: sequences=" + sequences
                    + ", counted=" + countedSequences + ", requestBlocks=" + requestBlocks + ", counted="
                    + countedBlocks + ", tokens=" + tokens + ", counted=" + countedTokens + ", requestFitting="
                    + requestFitting + ", counted=" + countFitting());
        }
    }
}
