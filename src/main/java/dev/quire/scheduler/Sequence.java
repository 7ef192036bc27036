package dev.quire.scheduler;

import dev.quire.cache.BlockPool;
import dev.quire.cache.BlockTable;
import dev.quire.sampling.SamplingParameters;
import java.util.BitSet;

/// One token stream with one block table: the prompt, what was generated after it, and how far keys and values have
/// been computed. A preempted sequence keeps its tokens and computes them again.
///
/// Not thread-safe: once added to the scheduler the engine thread owns it; other threads see its `TokenBuffer`s.
public final class Sequence {
    /// Where the scheduler holds it.
    public enum State {
        WAITING,
        RUNNING,
        ENDED
    }

    /// What a sequence is made of.
    ///
    /// - `arrival`: unique and rising; ties of `priority` (lower first) go to the earlier one
    /// - `maxTokens`: most tokens to generate, at least 1 unless the prompt is scored
    /// - `endTokens`: token ids that end it; empty if it goes on regardless
    /// - `logprobs`: alternatives kept per token, or `TokenBuffer.NO_LOGPROBS`; `scorePrompt`: the same for the
    /// prompt
    public record Spec(
            long arrival,
            int priority,
            int[] prompt,
            int maxTokens,
            SamplingParameters sampling,
            BitSet endTokens,
            int logprobs,
            boolean scorePrompt) {}

    private final Spec spec;
    private final int[] token; // [prompt + maxTokens]
    private final BlockTable table;
    private final TokenBuffer output;
    private final TokenBuffer promptScores;
    private int length;
    private State state = State.WAITING;
    private boolean started;

    public Sequence(Spec spec, BlockPool pool) {
        this.spec = spec;
        token = new int[spec.prompt().length + spec.maxTokens()];
        System.arraycopy(spec.prompt(), 0, token, 0, spec.prompt().length);
        length = spec.prompt().length;
        table = new BlockTable(pool, token.length);
        output = new TokenBuffer(spec.maxTokens(), spec.logprobs());
        promptScores = spec.scorePrompt()
                ? new TokenBuffer(spec.prompt().length - 1, Math.max(0, spec.logprobs()))
                : new TokenBuffer(0, TokenBuffer.NO_LOGPROBS);
    }

    /// Most tokens whose keys and values a sequence can have to hold: the last generated one is never computed.
    public static int storedTokens(int promptTokens, int maxTokens) {
        return promptTokens + Math.max(0, maxTokens - 1);
    }

    public long arrival() {
        return spec.arrival();
    }

    public int priority() {
        return spec.priority();
    }

    public SamplingParameters sampling() {
        return spec.sampling();
    }

    public int promptLength() {
        return spec.prompt().length;
    }

    /// Tokens known: prompt and generated.
    public int length() {
        return length;
    }

    /// Tokens whose keys and values are in the cache.
    public int computed() {
        return table.length();
    }

    /// Tokens to compute before the next one can be drawn.
    public int pending() {
        return length - table.length();
    }

    public int token(int position) {
        return token[position];
    }

    public BlockTable table() {
        return table;
    }

    /// What was generated.
    public TokenBuffer output() {
        return output;
    }

    /// Log-probabilities of the prompt from its second token on; has no room where none were asked for.
    public TokenBuffer promptScores() {
        return promptScores;
    }

    /// Whether prompt positions still have to be scored, and so no token may be drawn yet.
    public boolean scoring() {
        return promptScores.count() < promptScores.maxTokens();
    }

    public State state() {
        return state;
    }

    /// Whether it has ever run: from then on it does not count as waiting, even when preempted.
    public boolean started() {
        return started;
    }

    void start() {
        state = State.RUNNING;
        started = true;
    }

    /// Gives up its blocks; its tokens stay.
    void suspend() {
        table.release();
        state = State.WAITING;
    }

    void end(TokenBuffer.Ending ending, String failure) {
        answer(ending, failure);
        table.release();
        state = State.ENDED;
    }

    /// Tells its reader that no more comes.
    void answer(TokenBuffer.Ending ending, String failure) {
        promptScores.end(ending, failure);
        output.end(ending, failure);
    }

    /// Adds a drawn token. Returns how the sequence ends with it, or null if it goes on.
    TokenBuffer.Ending append(int id) {
        token[length++] = id;
        output.append(id);
        if (endsWith(id)) {
            return TokenBuffer.Ending.STOP;
        }
        return full() ? TokenBuffer.Ending.LENGTH : null;
    }

    /// Whether the sequence ends with this token. Any thread.
    public boolean endsWith(int id) {
        return spec.endTokens().get(id);
    }

    /// Whether no more tokens are wanted.
    boolean full() {
        return length == token.length;
    }
}
