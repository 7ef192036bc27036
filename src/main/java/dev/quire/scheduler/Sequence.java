package dev.quire.scheduler;

import dev.quire.cache.BlockCopies;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.SequenceBlocks;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// One token stream with one block table: the prompt, what was generated after it, and how far keys and values
/// have been computed. A preempted sequence keeps its tokens and computes them again.
///
/// Several answers to one prompt are a group: its first sequence leads, the others follow, without blocks, until
/// the prompt is computed; then each gets a fork of the leader's table and is a sequence like any other. The beams of
/// a search are sequences too, but stay a group to the end ({@link BeamGroup}).
///
/// Not thread-safe: once added to the scheduler the engine thread owns it; other threads see its `TokenBuffer`s.
public final class Sequence {
    /// Where the scheduler holds it.
    public enum State {
        /// Another sequence computes the prompt for it.
        FOLLOWING,
        WAITING,
        /// Its blocks are on their way back from the swap space.
        LOADING,
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
    /// - `cacheSalt`: prefixes are shared among sequences with the same one only
    /// - `request`: what people know the request by; no part of what is computed
    public record Spec(
            long arrival,
            int priority,
            int[] prompt,
            int maxTokens,
            SamplingParameters sampling,
            BitSet endTokens,
            int logprobs,
            boolean scorePrompt,
            String cacheSalt,
            String request) {
        /// For a request without a name.
        public Spec(
                long arrival,
                int priority,
                int[] prompt,
                int maxTokens,
                SamplingParameters sampling,
                BitSet endTokens,
                int logprobs,
                boolean scorePrompt,
                String cacheSalt) {
            this(arrival, priority, prompt, maxTokens, sampling, endTokens, logprobs, scorePrompt, cacheSalt, "");
        }

        /// Choice `index` of several: what a request alone with that seed would be.
        Spec choice(int index) {
            return new Spec(
                    arrival + index,
                    priority,
                    prompt,
                    maxTokens,
                    sampling.withSeed(sampling.seed() + index),
                    endTokens,
                    logprobs,
                    scorePrompt,
                    cacheSalt,
                    request);
        }
    }

    private static final int UNKNOWN = -1;

    private final Spec spec;
    private final int[] token; // [prompt + maxTokens]
    private final SequenceBlocks table;
    private final TokenBuffer output;
    private final TokenBuffer promptScores;
    private final List<Sequence> followers = new ArrayList<>();
    private final Choices choices;
    private final Optional<BeamGroup> beams; // whose it is
    private Sequence leader; // itself, or the one it follows
    private int length;
    private State state = State.WAITING;
    private int cachedTokens = UNKNOWN;
    private double score;

    public Sequence(Spec spec, CacheLayout layout) {
        this(spec, layout, new Choices(1));
    }

    private Sequence(Spec spec, CacheLayout layout, Choices choices) {
        this(
                spec,
                layout,
                choices,
                spec.scorePrompt()
                        ? new TokenBuffer(spec.prompt().length - 1, Math.max(0, spec.logprobs()))
                        : new TokenBuffer(0, TokenBuffer.NO_LOGPROBS));
        table.prepare(length); // here, on the caller's thread; those that follow get the hashes with their fork
    }

    private Sequence(Spec spec, CacheLayout layout, Choices choices, TokenBuffer promptScores) {
        this(spec, layout, choices, promptScores, new TokenBuffer(spec.maxTokens(), spec.logprobs()), Optional.empty());
    }

    /// A beam of `group`, which `beamLeader` leads; it leads itself if that is empty. `output` is for an answer.
    Sequence(Spec spec, CacheLayout layout, TokenBuffer output, BeamGroup group, Optional<Sequence> beamLeader) {
        this(
                spec,
                layout,
                beamLeader.map(first -> first.choices).orElseGet(() -> new Choices(1)), // they end as one
                new TokenBuffer(0, TokenBuffer.NO_LOGPROBS),
                output,
                Optional.of(group));
        leader = beamLeader.orElse(this);
        if (leader == this) {
            table.prepare(length);
        }
    }

    private Sequence(
            Spec spec,
            CacheLayout layout,
            Choices choices,
            TokenBuffer promptScores,
            TokenBuffer output,
            Optional<BeamGroup> beams) {
        this.spec = spec;
        this.choices = choices;
        this.promptScores = promptScores;
        this.output = output;
        this.beams = beams;
        leader = this;
        token = new int[spec.prompt().length + spec.maxTokens()];
        System.arraycopy(spec.prompt(), 0, token, 0, spec.prompt().length);
        length = spec.prompt().length;
        table = layout.sequence(token, storedTokens(), spec.cacheSalt());
    }

    /// A group of `choices` sequences that answer one prompt; the first leads. Choice i arrives at `arrival + i`
    /// and draws with `seed + i`; the prompt is scored once for all.
    public static List<Sequence> group(Spec spec, int choices, CacheLayout layout) {
        var leader = new Sequence(spec, layout, new Choices(choices));
        List<Sequence> group = new ArrayList<>(choices);
        group.add(leader);
        for (int i = 1; i < choices; i++) {
            var follower = new Sequence(spec.choice(i), layout, leader.choices, leader.promptScores);
            follower.state = State.FOLLOWING;
            follower.leader = leader;
            leader.followers.add(follower);
            group.add(follower);
        }
        return group;
    }

    /// Most tokens whose keys and values a sequence can have to hold: the last generated one is never computed.
    public static int storedTokens(int promptTokens, int maxTokens) {
        return promptTokens + Math.max(0, maxTokens - 1);
    }

    /// Most tokens whose keys and values this sequence can have to hold.
    int storedTokens() {
        return storedTokens(spec.prompt().length, spec.maxTokens());
    }

    public long arrival() {
        return spec.arrival();
    }

    /// What people know the request by, whose answer it is.
    public String request() {
        return spec.request();
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

    /// Most tokens it can ever have, prompt and generated.
    public int maxLength() {
        return token.length;
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

    /// The search that this sequence is a beam of.
    public Optional<BeamGroup> beams() {
        return beams;
    }

    /// Log-probabilities of likely tokens that are wanted with each token drawn, or `TokenBuffer.NO_LOGPROBS`.
    public int alternatives() {
        return beams.isPresent() ? beams.get().candidates() : output.alternatives();
    }

    /// Whether it wants any token: a prompt may only be scored.
    public boolean generates() {
        return spec.maxTokens() > 0;
    }

    /// Tokens that this sequence holds, or each of the beams that it leads.
    int progress() {
        return beams.isPresent() ? beams.get().computed() : table.length();
    }

    /// Sequences that a step computes for it: itself, or the beams that it leads as far as they have parted.
    int lanes() {
        return beams.isPresent() ? beams.get().lanes() : 1;
    }

    Sequence lane(int index) {
        return beams.isPresent() ? beams.get().lane(index) : this;
    }

    /// Whether what it computes is what `progress` of its leader counts: beams are computed side by side.
    boolean leads() {
        return beams.isEmpty() || beams.get().lane(0) == this;
    }

    /// Tokens of those to compute, in each lane, that a step can take in which `tokens` tokens and `rows` logit rows
    /// are left: a prompt that is scored needs a row for each.
    int run(int tokens, int rows) {
        if (beams.isPresent()) {
            return beams.get().run(tokens);
        }
        return Math.min(pending(), scoring() ? Math.min(tokens, rows - followers()) : tokens);
    }

    public int token(int position) {
        return token[position];
    }

    public SequenceBlocks table() {
        return table;
    }

    /// What was generated.
    public TokenBuffer output() {
        return output;
    }

    /// Log-probabilities of the prompt from its second token on; has no room where none were asked for. One buffer
    /// for a whole group.
    public TokenBuffer promptScores() {
        return promptScores;
    }

    /// Whether prompt positions still have to be scored, and so no token may be drawn yet.
    public boolean scoring() {
        return promptScores.count() < promptScores.maxTokens();
    }

    /// Leading tokens that need not be computed if somebody else has: a position is computed once to be scored.
    int shareable() {
        return scoring() ? promptScores.count() : length;
    }

    /// Prompt tokens that were in the cache when the sequence first ran, and so were not computed for it. Other
    /// threads may ask once there is a token, or the end.
    public int cachedTokens() {
        return Math.max(0, beams.isPresent() ? leader.cachedTokens : cachedTokens);
    }

    /// Score of the answer that a search found, once it is there: of its log-probability and its length. Empty where
    /// none searched. Any thread.
    public OptionalDouble score() {
        return beams.isPresent() ? OptionalDouble.of(score) : OptionalDouble.empty();
    }

    /// The sequence that computes the prompt for this one, or stands for its group; itself if there is none.
    Sequence leader() {
        return leader;
    }

    /// Sequences that follow this one: each is drawn a token when this one draws its first.
    public int followers() {
        return followers.size();
    }

    public Sequence follower(int index) {
        return followers.get(index);
    }

    /// Sequences that run when this one does, and so logit rows for their tokens: itself and its followers.
    int width() {
        return beams.isPresent() ? beams.get().width() : 1 + followers.size();
    }

    /// Beams have that of their group.
    public State state() {
        return beams.isPresent() ? leader.state : state;
    }

    /// How the request ended that this sequence is a choice of, or null while one of its choices goes on.
    public TokenBuffer.Ending requestEnding() {
        return choices.ending();
    }

    /// Whether it has ever run: from then on it does not count as waiting, even when preempted.
    public boolean started() {
        return cachedTokens != UNKNOWN;
    }

    /// It runs from now on; its table is open.
    void start() {
        state = State.RUNNING;
        if (!started()) {
            cachedTokens = Math.min(table.length(), promptLength());
        }
    }

    /// Takes the blocks for the tokens that it has, if `spare` blocks are left then. Returns 0, or how many were
    /// missing: then nothing has changed.
    int open(int spare) {
        return beams.isPresent() ? beams.get().open(spare) : table.open(length, shareable(), spare);
    }

    /// Takes what is needed to compute `run` tokens more in each lane. Returns 0, or how many blocks were missing:
    /// then some lanes may have theirs.
    int reserve(int run, BlockCopies copies) {
        return beams.isPresent() ? beams.get().reserve(run, copies) : table.reserve(table.length() + run, copies);
    }

    /// Gives up its blocks; its tokens stay.
    void suspend() {
        if (beams.isPresent()) {
            beams.get().suspend();
        } else {
            table.release();
        }
        state = State.WAITING;
    }

    /// Gives up its blocks for now: what they hold goes to the swap space. False if it cannot; a group of beams never
    /// does.
    boolean swapOut() {
        boolean moved = beams.isEmpty() && table.swapOut() > 0;
        state = moved ? State.WAITING : state;
        return moved;
    }

    /// Whether it has blocks of the pool.
    boolean holds() {
        return beams.isPresent() ? beams.get().holds() : holdsItself();
    }

    /// Whether its own table has blocks of the pool.
    boolean holdsItself() {
        for (int i = 0; i < table.blocks(); i++) {
            if (table.block(i) >= 0) {
                return true;
            }
        }
        return false;
    }

    /// Its blocks come back.
    void load() {
        state = State.LOADING;
    }

    /// Adds its references to `held`, by block; throws if it contradicts itself.
    void countBlocks(int[] held) {
        if (beams.isPresent()) {
            beams.get().countBlocks(held);
        } else {
            countItself(held);
        }
    }

    /// Adds its own table's references.
    void countItself(int[] held) {
        table.checkInvariants();
        for (int i = 0; i < table.blocks(); i++) {
            if (table.block(i) >= 0) {
                held[table.block(i)]++;
            }
        }
    }

    /// A follower's own life begins: with what the leader's blocks hold, or, where there is no room for that, as
    /// one that waits to compute it itself. `copies` takes what must be copied before the next step.
    void leave(BlockCopies copies) {
        state = leader.table.fork(table, copies) == 0 ? State.RUNNING : State.WAITING;
        cachedTokens = leader.cachedTokens;
        leader.unfollow(this);
        leader = this;
    }

    /// No longer waits for this sequence's prompt.
    void unfollow(Sequence follower) {
        followers.remove(follower);
    }

    void end(TokenBuffer.Ending ending, String failure) {
        answer(ending, failure);
        if (beams.isPresent()) {
            beams.get().release(ending == TokenBuffer.Ending.FAILED);
        } else {
            if (ending == TokenBuffer.Ending.FAILED) {
                table.forget();
            }
            table.release();
        }
        state = State.ENDED;
        choices.end(ending);
    }

    /// Tells its reader, and its followers', that no more comes.
    void answer(TokenBuffer.Ending ending, String failure) {
        if (state != State.FOLLOWING) {
            promptScores.end(ending, failure); // the leader's as long as one follows
        }
        output.end(ending, failure);
        followers.forEach(follower -> follower.output.end(ending, failure));
        beams.ifPresent(group -> group.answer(ending, failure));
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

    /// Goes on as `parent`, another beam, has until now; its own blocks are given back.
    void goOnFrom(Sequence parent) {
        table.release();
        System.arraycopy(parent.token, promptLength(), token, promptLength(), parent.length - promptLength());
        length = parent.length;
        table.rewritten(promptLength());
    }

    /// Adds a token that a search chose for this beam, which is no answer yet.
    void extend(int id) {
        token[length++] = id;
    }

    /// Says all of an answer that a search has found.
    void say(int[] tokens, double itsScore, TokenBuffer.Ending ending) {
        score = itsScore;
        for (int id : tokens) {
            output.append(id);
        }
        output.end(ending, "");
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
