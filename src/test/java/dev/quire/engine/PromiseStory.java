package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.TurnedEngine.Draw;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// What a scenario tells: texts, requests in whatever company, and in the end each answer beside the one that its
/// request gets alone.
///
/// Requests are greedy and sampled in turn, with penalties, bias, top-p, top-k and min-p. Alone means: on an engine
/// that runs nothing else, shares nothing and computes the prompt in one piece on one thread.
final class PromiseStory {
    /// Tokens of an answer unless the scenario says more.
    static final int ANSWER = 6;

    /// Tokens of an answer that is to fill a block.
    static final int LONG = 18;

    private static final int MOST_CHOICES = 100;
    private static final int[] NO_TOKENS = {};

    private final TurnedEngine engine;
    private final int budget;
    private final PromiseRig rig;
    private final Random random;
    private final Map<Sequence, Sequence.Spec> sent = new LinkedHashMap<>(); // to what each would be alone
    private final List<BeamWatch> searches = new ArrayList<>();
    private final int number;
    private Runnable beforeTurn = () -> {};
    private int requests;

    /// Story `number` on `engine`, which has begun anew with `budget` tokens a step. The same number makes the same
    /// texts and seeds.
    PromiseStory(PromiseRig rig, TurnedEngine engine, int number, int budget) {
        this.rig = rig;
        this.engine = engine;
        this.budget = budget;
        this.number = number;
        random = new Random(number);
    }

    TurnedEngine engine() {
        return engine;
    }

    /// Whether a step holds all prompts of a scenario, so that what arrives together is computed together.
    boolean wholePrompts() {
        return budget >= 256;
    }

    /// Tokens that nobody has seen before.
    int[] text(int tokens) {
        return random.ints(tokens, 3, engine.vocabulary()).toArray();
    }

    /// One text after the other.
    static int[] join(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    static int[] first(int tokens, int[] text) {
        return Arrays.copyOf(text, tokens);
    }

    Sequence send(int[] prompt) {
        return send(prompt, 1).getFirst();
    }

    Sequence send(int[] prompt, int maxTokens, String salt) {
        return send(prompt, maxTokens, salt, 1, 0).getFirst();
    }

    List<Sequence> send(int[] prompt, int choices) {
        return send(prompt, ANSWER, "", choices, 0);
    }

    List<Sequence> send(int[] prompt, int maxTokens, String salt, int choices, int priority) {
        long id = nextId();
        Sequence.Spec spec = spec(id, prompt, maxTokens, salt, priority, sampling(requests, seed(id)));
        List<Sequence> group = engine.send(spec, choices);
        for (int i = 0; i < choices; i++) {
            sent.put(group.get(i), alone(spec, i));
        }
        return group;
    }

    private long nextId() {
        return (long) ++requests * MOST_CHOICES;
    }

    private long seed(long id) {
        return number * 1_000_000L + id;
    }

    private static Sequence.Spec spec(
            long id, int[] prompt, int maxTokens, String salt, int priority, SamplingParameters sampling) {
        return new Sequence.Spec(
                id, priority, prompt, maxTokens, sampling, new BitSet(), TokenBuffer.NO_LOGPROBS, false, salt);
    }

    private static SamplingParameters sampling(int index, long seed) {
        return switch (index % 4) {
            case 0 -> SamplingParameters.greedy().withSeed(seed);
            case 1 -> new SamplingParameters(0.8f, 0.95f, 0, 0, 0, 0, 1, Map.of(), seed);
            case 2 -> new SamplingParameters(1.2f, 1, 40, 0.02f, 0.5f, 0.2f, 1.1f, Map.of(7, 3f), seed);
            default -> new SamplingParameters(1, 0.9f, 0, 0, 0, 0.5f, 1, Map.of(), seed);
        };
    }

    /// The request that asks for choice `index` alone.
    private static Sequence.Spec alone(Sequence.Spec spec, int index) {
        SamplingParameters sampling = spec.sampling().withSeed(spec.sampling().seed() + index);
        return spec(spec.arrival(), spec.prompt(), spec.maxTokens(), "", 0, sampling);
    }

    /// What was generated so far.
    static int[] answer(Sequence sequence) {
        TokenBuffer output = sequence.output();
        int[] tokens = output.count() == 0 ? NO_TOKENS : new int[output.count()];
        Arrays.setAll(tokens, output::token);
        return tokens;
    }

    /// A search for `width` answers of `maxTokens` tokens.
    BeamGroup search(int[] prompt, int width, int maxTokens) {
        long id = nextId();
        Sequence.Spec spec =
                spec(id, prompt, maxTokens, "", 0, SamplingParameters.greedy().withSeed(seed(id)));
        var parameters = new BeamParameters(width, 1, EarlyStopping.HEURISTIC);
        BeamGroup group = engine.send(spec, parameters);
        searches.add(new BeamWatch(rig, engine, spec, parameters, group));
        return group;
    }

    /// Has `what` happen before each step from now on.
    void beforeEachTurn(Runnable what) {
        beforeTurn = what;
    }

    /// One step; false if there was nothing to compute.
    boolean turn() {
        beforeTurn.run();
        searches.forEach(BeamWatch::before);
        boolean busy = engine.turn();
        searches.forEach(BeamWatch::after);
        return busy;
    }

    /// Turns until `sequence` has `tokens` tokens of its answer.
    void runUntil(Sequence sequence, int tokens) {
        while (sequence.output().count() < tokens) {
            assertTrue(turn(), "the sequence must go on");
        }
    }

    void run() {
        while (turn()) {}
    }

    /// Anything at any time: prompts that share more or less, answers of at most `mostTokens` tokens, groups,
    /// priorities, cancellations; to the end.
    void crowd(int mostTokens) {
        List<int[]> texts = new ArrayList<>(List.of(text(32), text(48)));
        List<Sequence> members = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int[] known = texts.get(random.nextInt(texts.size()));
            int[] kept = first(random.nextInt(known.length + 1), known);
            int[] prompt = join(kept, text(kept.length == 0 ? 1 : random.nextInt(12)));
            if (random.nextBoolean()) {
                prompt = first(Math.max(1, prompt.length / 16 * 16), prompt);
            }
            members.addAll(
                    send(prompt, 1 + random.nextInt(mostTokens), "", 1 + random.nextInt(3) / 2 * 2, random.nextInt(2)));
            texts.add(first(Math.min(100, prompt.length), prompt));
            for (int turn = random.nextInt(4); turn > 0; turn--) {
                turn();
            }
            Sequence any = members.get(random.nextInt(members.size()));
            if (random.nextInt(6) == 0) {
                engine.cancel(any);
            } else {
                texts.add(join(first(Math.min(60, any.promptLength()), prompt(any)), answer(any)));
            }
        }
        run();
    }

    static int[] prompt(Sequence sequence) {
        int[] tokens = new int[sequence.promptLength()];
        Arrays.setAll(tokens, sequence::token);
        return tokens;
    }

    /// Runs to the end; every block must be back, and every answer must be the one that its request gets alone, and
    /// the logits of each token too.
    void end() {
        run();
        engine.checkEmpty();
        searches.forEach(BeamWatch::end);
        sent.forEach((sequence, spec) -> {
            List<Draw> expected = rig.alone(spec);
            long seed = spec.sampling().seed();
            int prompt = spec.prompt().length;
            int[] tokens = answer(sequence);
            if (sequence.output().ending() != TokenBuffer.Ending.CANCELLED) {
                assertEquals(expected.size(), tokens.length, () -> "seed=" + seed + ", prompt=" + prompt);
            }
            // A step that was lost may have drawn some twice: the same ones.
            var drawn = new BitSet();
            for (Draw draw : engine.draws(seed)) {
                drawn.set(draw.position());
                assertSame(expected.get(draw.position() - prompt), draw, "seed=" + seed + ", prompt=" + prompt);
            }
            for (int i = 0; i < tokens.length; i++) {
                assertEquals(expected.get(i).token(), tokens[i], "seed=" + seed + ", answer=" + i);
                assertTrue(drawn.get(prompt + i), "seed=" + seed + ", answer=" + i);
            }
        });
    }

    static void assertSame(Draw expected, Draw actual, String who) {
        String where = who + ", position=" + actual.position();
        int at = Arrays.mismatch(expected.logits(), actual.logits());
        if (at >= 0) {
            assertEquals(expected.logits()[at], actual.logits()[at], where + ", logit=" + at);
        }
        assertEquals(expected.token(), actual.token(), where);
    }
}
