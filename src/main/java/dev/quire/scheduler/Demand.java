package dev.quire.scheduler;

import dev.quire.cache.CacheLayout;
import dev.quire.sampling.BeamParameters;

/// What a request takes: blocks of a layout, and bytes of heap.
public final class Demand {
    private Demand() {}

    /// Most blocks that `sequence`, or a group of beams, can come to hold: no pool with fewer can serve it. Those that
    /// follow it may run one after another.
    static int mostBlocks(Sequence sequence, CacheLayout layout) {
        return sequence.beams().isPresent()
                ? sequence.beams().get().mostBlocks(layout)
                : layout.mostBlocks(sequence.storedTokens());
    }

    /// Blocks that it and its followers, or a group of beams, may still come to take besides those for the tokens that
    /// it has.
    static long moreBlocks(Sequence sequence, CacheLayout layout) {
        if (sequence.beams().isPresent()) {
            return sequence.beams().get().moreBlocks(layout);
        }
        int tokens = sequence.length();
        int most = sequence.storedTokens();
        return layout.moreBlocks(tokens, most) + (long) sequence.followers() * layout.mostForkBlocks(tokens, most);
    }

    /// Blocks that a group takes besides the leader's as soon as all of it writes.
    static int forkBlocks(Sequence sequence, CacheLayout layout) {
        if (sequence.beams().isPresent()) {
            return sequence.beams().get().forkBlocks(layout);
        }
        return sequence.followers() == 0
                ? 0
                : sequence.followers() * layout.forkBlocks(sequence.length(), sequence.storedTokens());
    }

    /// Bytes of heap that a group of `choices` takes for its tokens, in arrays, at its longest.
    public static long heapBytes(Sequence.Spec spec, int choices) {
        long promptTokens = spec.prompt().length;
        long scored = spec.scorePrompt() ? TokenBuffer.heapBytes(promptTokens - 1, Math.max(0, spec.logprobs())) : 0;
        return scored + choices * (tokenBytes(spec) + TokenBuffer.heapBytes(spec.maxTokens(), spec.logprobs()));
    }

    /// The same of the beams of a search for `answers`.
    public static long heapBytes(Sequence.Spec spec, int answers, BeamParameters beams) {
        long paths = 2L * Integer.BYTES * spec.maxTokens(); // a token and a parent
        return beams.width() * (tokenBytes(spec) + paths)
                + answers * TokenBuffer.heapBytes(spec.maxTokens(), TokenBuffer.NO_LOGPROBS);
    }

    /// An id; and for each block of 16 tokens or more its id, hash and generation, which is less than another.
    private static long tokenBytes(Sequence.Spec spec) {
        return 2L * Integer.BYTES * ((long) spec.prompt().length + spec.maxTokens());
    }
}
