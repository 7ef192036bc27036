package dev.quire.scheduler;

import dev.quire.cache.BlockCopies;

/// What one step computes: blocks to copy first, then for each sequence or beam a run of its tokens, decoding sequences
/// first. Made once and reused; valid until the scheduler plans again.
public final class StepPlan {
    private final Sequence[] sequence;
    private final int[] count;
    private final BlockCopies copies;
    private int sequences;
    private int tokens;

    StepPlan(int sequences, int mostCopies) {
        sequence = new Sequence[sequences];
        count = new int[sequences];
        copies = new BlockCopies(mostCopies);
    }

    /// Blocks to be copied before anything is computed.
    public BlockCopies copies() {
        return copies;
    }

    public int sequences() {
        return sequences;
    }

    /// Tokens computed in the step.
    public int tokens() {
        return tokens;
    }

    public Sequence sequence(int index) {
        return sequence[index];
    }

    /// Tokens of the sequence that this step computes, from its position `computed()` on.
    public int count(int index) {
        return count[index];
    }

    /// Whether a token is drawn for the sequence: all its tokens are computed by this step's end.
    public boolean draws(int index) {
        return count[index] == sequence[index].pending();
    }

    void clear() {
        for (int i = 0; i < sequences; i++) {
            sequence[i] = null;
        }
        copies.clear();
        sequences = 0;
        tokens = 0;
    }

    /// Adds a run of `run` tokens of a sequence, or of each beam that it leads. What prefill fills is announced to the
    /// prefix index. Returns the logit rows that it needs.
    int add(Sequence added, int run) {
        for (int i = 0; i < added.lanes(); i++) {
            Sequence lane = added.lane(i);
            if (lane.computed() < lane.length() - 1) {
                lane.table().plan(lane.computed() + run);
            }
            insert(lane, run);
        }
        return added.scoring() ? run + added.followers() : added.width();
    }

    /// One that decodes goes before those that prefill, in the order of adding.
    private void insert(Sequence lane, int run) {
        int at = sequences;
        if (run == 1) {
            while (at > 0 && count[at - 1] > 1) {
                sequence[at] = sequence[at - 1];
                count[at] = count[at - 1];
                at--;
            }
        }
        sequence[at] = lane;
        count[at] = run;
        sequences++;
        tokens += run;
    }
}
