package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// A model with the step loop turned by hand, for beam searches beside other sequences.
final class TurnedBeams implements AutoCloseable {
    private static final int MOST_TURNS = 20_000;

    /// A search: what is asked.
    record Asked(int[] prompt, BeamParameters parameters, BitSet endTokens, int maxTokens, int answers) {}

    /// An answer as tests compare it, the score by its bits.
    record Found(List<Integer> tokens, float score, TokenBuffer.Ending ending) {}

    private final ModelLoading loading;
    private final Inbox inbox = new Inbox(1000);
    private final StatsBoard stats = new StatsBoard(inbox);
    private final EngineLoop loop;
    private long arrivals;

    TurnedBeams(List<String> settings) {
        loading = ModelLoading.open(TestSettings.of(settings.toArray(String[]::new)));
        loading.warmUp();
        var outbox = new Outbox(Duration.ofMinutes(1).toNanos());
        loop = new EngineLoop(inbox, outbox, stats, loading);
    }

    ModelLoading loading() {
        return loading;
    }

    Scheduler scheduler() {
        return loading.scheduler();
    }

    EngineStats stats() {
        return stats.read();
    }

    BeamGroup send(Asked asked) {
        return send(asked, 0);
    }

    BeamGroup send(Asked asked, int priority) {
        var spec = spec(asked.prompt(), asked.maxTokens(), priority, asked.endTokens());
        int vocabulary = loading.model().vocabulary();
        var group = new BeamGroup(spec, asked.answers(), asked.parameters(), vocabulary, loading.layout());
        assertTrue(inbox.offer(group.leader()));
        return group;
    }

    /// A greedy sequence, to its full length.
    Sequence send(int[] prompt, int maxTokens, int priority) {
        var sequence = new Sequence(spec(prompt, maxTokens, priority, new BitSet()), loading.layout());
        assertTrue(inbox.offer(sequence));
        return sequence;
    }

    /// The 20 likeliest tokens after `prompt`, of an ordinary request for one.
    TokenBuffer scored(int[] prompt) {
        arrivals += 100;
        var spec = new Sequence.Spec(arrivals, 0, prompt, 1, SamplingParameters.greedy(), new BitSet(), 20, false, "");
        var sequence = new Sequence(spec, loading.layout());
        assertTrue(inbox.offer(sequence));
        run();
        return sequence.output();
    }

    private Sequence.Spec spec(int[] prompt, int maxTokens, int priority, BitSet endTokens) {
        arrivals += 100;
        return new Sequence.Spec(
                arrivals,
                priority,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                endTokens,
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
    }

    void cancel(Sequence sequence) {
        inbox.cancel(sequence);
    }

    /// One step; false if there was nothing to do.
    boolean turn() {
        boolean turned = loop.turn();
        loading.scheduler().checkInvariants();
        return turned;
    }

    /// Turns until all is answered and every block given back.
    void run() {
        int turns = 0;
        while (turn()) {
            assertTrue(++turns < MOST_TURNS, "requests must come to an end");
        }
        assertEquals(0, loading.pool().inUse());
    }

    static List<Found> found(BeamGroup group) {
        return group.answers().stream().map(TurnedBeams::found).toList();
    }

    private static Found found(Sequence sequence) {
        TokenBuffer output = sequence.output();
        List<Integer> tokens =
                IntStream.range(0, output.count()).mapToObj(output::token).toList();
        return new Found(tokens, (float) sequence.score().orElseThrow(), output.ending());
    }

    /// What the searches find, one after another.
    static List<List<Found>> alone(List<String> settings, List<Asked> searches) {
        List<List<Found>> all = new ArrayList<>();
        try (var engine = new TurnedBeams(settings)) {
            for (Asked asked : searches) {
                BeamGroup group = engine.send(asked);
                engine.run();
                all.add(found(group));
            }
        }
        return all;
    }

    @Override
    public void close() {
        loading.close();
    }
}
