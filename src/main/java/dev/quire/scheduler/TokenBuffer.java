package dev.quire.scheduler;

/// What a sequence has generated, written by the engine thread and read by one other thread: room for every token is
/// made at the door, so the writer never waits and never allocates, however slow the reader is.
///
/// The writer fills an entry, then publishes it by raising a volatile count; the reader looks only below the count.
public final class TokenBuffer {
    /// In `alternatives`: no log-probabilities are kept.
    public static final int NO_LOGPROBS = -1;

    /// How a sequence ended, from the most ordinary to the gravest.
    public enum Ending {
        /// An end-of-text token, or the reader found a stop text.
        STOP,
        /// As many tokens as were asked for.
        LENGTH,
        /// The reader went away.
        CANCELLED,
        /// The sequence failed; `failure` says why.
        FAILED
    }

    private final int alternatives;
    private final int[] token; // [maxTokens]
    private final float[] logprob; // [maxTokens], or empty
    private final int[] topToken; // [maxTokens, alternatives]
    private final float[] topLogprob; // [maxTokens, alternatives]
    private volatile int count;
    private volatile Ending ending;
    private String failure = "";

    /// Room for `maxTokens` tokens with `alternatives` alternatives each, or `NO_LOGPROBS`.
    public TokenBuffer(int maxTokens, int alternatives) {
        this.alternatives = alternatives;
        token = new int[maxTokens];
        logprob = new float[alternatives == NO_LOGPROBS ? 0 : maxTokens];
        topToken = new int[Math.max(0, alternatives) * maxTokens];
        topLogprob = new float[Math.max(0, alternatives) * maxTokens];
    }

    /// Bytes of heap that a buffer takes in arrays.
    static long heapBytes(long maxTokens, int alternatives) {
        long logprob = alternatives == NO_LOGPROBS ? 0 : Float.BYTES;
        long others = (Integer.BYTES + Float.BYTES) * (long) Math.max(0, alternatives);
        return maxTokens * (Integer.BYTES + logprob + others);
    }

    /// Alternatives kept per token, or `NO_LOGPROBS`.
    public int alternatives() {
        return alternatives;
    }

    public int maxTokens() {
        return token.length;
    }

    /// Writer: the log-probability of the token that `append` adds next.
    public void nextLogprob(float value) {
        logprob[count] = value;
    }

    /// Writer: alternative `index` of the token that `append` adds next.
    public void nextAlternative(int index, int id, float value) {
        topToken[count * alternatives + index] = id;
        topLogprob[count * alternatives + index] = value;
    }

    /// Writer: publishes the next token.
    public void append(int id) {
        int at = count;
        if (at == token.length || ending != null) {
            throw new IllegalStateException("append must fit an open buffer: count=" + at + ", maxTokens="
                    + token.length + ", ending=" + ending);
        }
        token[at] = id;
        count = at + 1;
    }

    /// Writer: publishes the end; the first one counts.
    public void end(Ending how, String why) {
        if (ending == null) {
            failure = why;
            ending = how;
        }
    }

    /// Tokens that may be read.
    public int count() {
        return count;
    }

    /// How it ended, or null while it runs; read before `count`, so that a seen end has all its tokens.
    public Ending ending() {
        return ending;
    }

    /// Why it failed; empty otherwise. Read after `ending`.
    public String failure() {
        return failure;
    }

    public int token(int index) {
        return token[index];
    }

    public float logprob(int index) {
        return logprob[index];
    }

    public int topToken(int index, int rank) {
        return topToken[index * alternatives + rank];
    }

    public float topLogprob(int index, int rank) {
        return topLogprob[index * alternatives + rank];
    }
}
