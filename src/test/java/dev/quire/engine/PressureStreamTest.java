package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.SwapSpace;
import dev.quire.cache.UncachedLayout;
import dev.quire.kernel.Kernels;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.AdmissionPolicy;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Random requests of every kind at once (drawn choices, beam searches, scored prompts), in random layouts over pools
/// that hardly hold the longest of them, with all that may happen meanwhile: swaps that take their time, compactions,
/// requests that are cancelled, steps that the kernels refuse. Whatever is answered is what is answered alone, to the
/// last bit of its log-probabilities.
///
/// A failure names its seed; `-Dpressure.first=seed -Dpressure.workloads=1` runs that one alone.
class PressureStreamTest {
    private static final int MOST_BLOCKS = 256;
    private static final int CONTEXT = 128;
    private static final int SEQUENCES = 16;
    private static final int TOKENS = 64;
    private static final int MOST_TURNS = 20_000;
    private static final int REQUESTS = 80;
    private static final int VOCABULARY = 300;

    /// What is asked; `beams` is the width of a search, or 0.
    private record Asked(
            int[] prompt,
            int maxTokens,
            int choices,
            int beams,
            SamplingParameters sampling,
            BitSet endTokens,
            boolean scored,
            String salt) {}

    private static ModelLoading loading;
    private static final Map<Integer, List<String>> ALONE = new HashMap<>();

    @BeforeAll
    static void open() {
        loading = ModelLoading.open(TestSettings.of(
                "quire.cache.blocks",
                "" + MOST_BLOCKS,
                "quire.context-length",
                "" + CONTEXT,
                "quire.batch.tokens",
                "" + TOKENS,
                "quire.batch.sequences",
                "" + SEQUENCES));
        loading.kernels().openSwap(MOST_BLOCKS);
        loading.warmUp();
    }

    @AfterAll
    static void close() {
        loading.close();
    }

    @Test
    void answers_areThoseOfEachAlone_whateverHappensAroundThem() {
        long first = Long.getLong("pressure.first", 1);
        int workloads = Integer.getInteger("pressure.workloads", 100);
        for (long seed = first; seed < first + workloads; seed++) {
            new Workload(seed).run();
        }
    }

    /// Number `index` of the requests that there are: some prompts begin alike.
    private static Asked asked(int index) {
        var random = new Random(7919L * index);
        int[] family = Requests.prompt(index % 4, 110, VOCABULARY);
        int[] other = Requests.prompt(1000 + index, 110, VOCABULARY);
        int length = 1 + random.nextInt(random.nextBoolean() ? 40 : 105);
        int common = random.nextInt(3) == 0 ? length : random.nextInt(length + 1);
        int[] prompt = Arrays.copyOf(family, length);
        System.arraycopy(other, common, prompt, common, length - common);
        int maxTokens = 1 + random.nextInt(Math.min(40, CONTEXT - length));
        var ends = new BitSet();
        if (random.nextInt(3) == 0) {
            IntStream.range(0, 4).forEach(i -> ends.set(random.nextInt(VOCABULARY)));
        }
        int beams = random.nextInt(3) == 0 ? 1 + random.nextInt(5) : 0;
        int choices = beams > 0 ? 1 + random.nextInt(beams) : random.nextInt(3) == 0 ? 2 + random.nextInt(4) : 1;
        boolean scored = beams == 0 && length > 1 && random.nextInt(4) == 0;
        SamplingParameters sampling =
                switch (beams > 0 ? 0 : random.nextInt(3)) {
                    case 0 -> SamplingParameters.greedy();
                    case 1 -> new SamplingParameters(0.9f, 0.95f, 0, 0, 0, 0, 1, Map.of(), 100L * index);
                    default ->
                        new SamplingParameters(1.2f, 1, 40, 0.02f, 0.5f, 0.2f, 1.1f, Map.of(7, 3f), 100L * index);
                };
        if (scored && random.nextInt(3) == 0) {
            maxTokens = 0;
        }
        return new Asked(prompt, maxTokens, choices, beams, sampling, ends, scored, random.nextInt(6) == 0 ? "x" : "");
    }

    private static List<Sequence> make(Asked asked, long arrival, int priority, CacheLayout layout) {
        var spec = new Sequence.Spec(
                arrival,
                priority,
                asked.prompt(),
                asked.maxTokens(),
                asked.sampling(),
                asked.endTokens(),
                asked.beams() > 0 ? TokenBuffer.NO_LOGPROBS : 2,
                asked.scored(),
                asked.salt());
        if (asked.beams() == 0) {
            return Sequence.group(spec, asked.choices(), layout);
        }
        var parameters = new BeamParameters(
                asked.beams(), asked.prompt().length % 3 - 1, EarlyStopping.values()[asked.maxTokens() % 3]);
        return new BeamGroup(spec, asked.choices(), parameters, loading.model().vocabulary(), layout).answers();
    }

    private static String text(TokenBuffer buffer) {
        var text = new StringBuilder();
        for (int i = 0; i < buffer.count(); i++) {
            text.append(buffer.token(i));
            if (buffer.alternatives() != TokenBuffer.NO_LOGPROBS) {
                text.append(':').append(Float.floatToIntBits(buffer.logprob(i)));
            }
            for (int k = 0; k < buffer.alternatives(); k++) {
                text.append('/').append(buffer.topToken(i, k));
                text.append('=').append(Float.floatToIntBits(buffer.topLogprob(i, k)));
            }
            text.append(' ');
        }
        return text.toString();
    }

    private static String text(Sequence sequence) {
        return text(sequence.promptScores()) + "| " + text(sequence.output())
                + (sequence.beams().isPresent()
                        ? "| " + (float) sequence.score().orElseThrow()
                        : "");
    }

    private static List<String> alone(int index) {
        return ALONE.computeIfAbsent(index, number -> {
            var layout = new PagedLayout(new BlockPool(MOST_BLOCKS, Kernels.PAGE_TOKENS));
            var limits = new SchedulerLimits(
                    TOKENS, SEQUENCES, loading.batch().limits.rows(), 0);
            var scheduler = new Scheduler(layout, limits, new PreemptionCost(PreemptionCost.Mode.RECOMPUTE), CONTEXT);
            var inbox = new Inbox(10);
            var loop = new EngineLoop(
                    inbox,
                    new Outbox(Duration.ofMinutes(1).toNanos()),
                    new StatsBoard(inbox),
                    layout,
                    scheduler,
                    loading.transformer(),
                    loading.kernels(),
                    loading.batch());
            List<Sequence> group = make(asked(index), 0, 0, layout);
            assertTrue(
                    inbox.offer(group.getFirst().beams().map(BeamGroup::leader).orElse(group.getFirst())));
            while (loop.turn()) {}
            group.forEach(sequence -> assertTrue(sequence.output().ending().compareTo(TokenBuffer.Ending.LENGTH) <= 0));
            return group.stream().map(PressureStreamTest::text).toList();
        });
    }

    private static final class Workload {
        private final Random random;
        private final String about;
        private final CacheLayout layout;
        private final LateCopies copies;
        private final Scheduler scheduler;
        private final Inbox inbox = new Inbox(1000);
        private final EngineLoop loop;
        private final CompactionLimits compaction;
        private final int compactEvery;
        private final boolean worstCase;
        private final Map<List<Sequence>, Integer> sent = new HashMap<>();
        private final List<List<Sequence>> open = new ArrayList<>();
        private boolean groups;
        private final List<Sequence> spoilers = new ArrayList<>();
        private final boolean estimate;

        Workload(long seed) {
            random = new Random(seed);
            int blocks = 8 + random.nextInt(random.nextBoolean() ? 10 : 60);
            compaction = new CompactionLimits(
                    random.nextInt(3) == 0 ? 0 : random.nextInt(3) == 0 ? 1 : random.nextDouble(),
                    1 + random.nextInt(random.nextBoolean() ? 3 : 40));
            compactEvery = random.nextInt(3) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(5);
            int slots = random.nextInt(3) == 0 ? 0 : random.nextInt(random.nextBoolean() ? 8 : 60);
            int kind = random.nextInt(10);
            var policy = RunAllocator.Policy.values()[random.nextInt(3)];
            var reserve = ContiguousLayout.Reserve.values()[random.nextInt(3)];
            int more = random.nextInt(3) * random.nextInt(20);
            boolean prefix = random.nextInt(4) > 0;
            var pool = new BlockPool(
                    blocks,
                    Kernels.PAGE_TOKENS,
                    prefix && kind < 6 ? new PrefixIndex(blocks, Kernels.PAGE_TOKENS) : PrefixIndex.off());
            layout = kind < 6
                    ? new PagedLayout(pool, new SwapSpace(slots))
                    : kind < 9
                            ? new ContiguousLayout(pool, policy, reserve, CONTEXT, more, compaction)
                            : new UncachedLayout(pool);
            estimate = kind >= 6 && kind < 9 && reserve == ContiguousLayout.Reserve.ESTIMATE;
            int lag = random.nextInt(4);
            copies = new LateCopies(loading.kernels(), lag);
            int sequences = 5 + random.nextInt(SEQUENCES - 4);
            int tokens = sequences + random.nextInt(TOKENS - sequences + 1);
            int rows = sequences + random.nextInt(loading.batch().limits.rows() - sequences + 1);
            worstCase = random.nextInt(4) == 0;
            int watermark = random.nextInt(3);
            var limits = new SchedulerLimits(
                    tokens,
                    sequences,
                    rows,
                    watermark,
                    worstCase ? AdmissionPolicy.WORST_CASE : AdmissionPolicy.OPTIMISTIC);
            var mode = random.nextInt(4) == 0 ? PreemptionCost.Mode.AUTO : PreemptionCost.Mode.SWAP;
            scheduler = new Scheduler(layout, limits, new PreemptionCost(mode), CONTEXT);
            about = "seed=" + seed + ", " + layout.getClass().getSimpleName() + ", blocks=" + blocks + ", compaction="
                    + compaction
                    + ", compactEvery=" + compactEvery + ", slots=" + slots + ", policy=" + policy + ", reserve="
                    + reserve + ", estimate=" + more + ", prefix=" + prefix + ", lag=" + lag + ", limits=" + limits
                    + ", mode=" + mode;
            loop = new EngineLoop(
                    inbox,
                    new Outbox(Duration.ofMinutes(1).toNanos()),
                    new StatsBoard(inbox),
                    layout,
                    scheduler,
                    loading.transformer(),
                    copies.kernels(),
                    loading.batch());
        }

        void run() {
            try {
                play();
            } catch (Throwable e) {
                throw new AssertionError(about + ": " + e, e);
            }
        }

        private void play() {
            int turns = 0;
            int left = 4 + random.nextInt(20);
            boolean trouble = random.nextInt(3) > 0;
            while (true) {
                while (left > 0 && random.nextInt(3) == 0) {
                    send(100L * left--);
                }
                if (trouble && random.nextInt(40) == 0) {
                    spoil(turns);
                }
                if (trouble && !open.isEmpty() && random.nextInt(20) == 0) {
                    List<Sequence> group = open.get(random.nextInt(open.size()));
                    Sequence one = group.get(random.nextInt(group.size()));
                    if (random.nextBoolean()) {
                        inbox.cancel(one);
                    } else {
                        group.forEach(inbox::cancel);
                    }
                }
                if (random.nextInt(compactEvery) == 0 && compactEvery != Integer.MAX_VALUE) {
                    loop.compactor().ask(compaction);
                }
                copies.turn();
                boolean busy = loop.turn();
                scheduler.checkInvariants();
                open.removeIf(
                        group -> group.stream().allMatch(each -> each.output().ending() != null));
                assertTrue(++turns < MOST_TURNS, "requests must come to an end");
                if (!busy && left == 0 && inbox.isEmpty()) {
                    break;
                }
            }
            assertEquals(0, layout.pool().inUse() + layout.pool().inTransit());
            assertEquals(0, layout.transfers().slotsUsed());
            assertEquals(0, inbox.taken());
            assertEquals(0, scheduler.waiting() + scheduler.running());
            if (worstCase && !groups && !estimate) {
                assertEquals(0, scheduler.preemptions(), "worst case admission: nobody gives way");
            }
            check();
        }

        private void send(long arrival) {
            int index = random.nextInt(REQUESTS);
            List<Sequence> group = make(asked(index), 100_000L - arrival, random.nextInt(3), layout);
            Sequence leader = group.getFirst().beams().map(BeamGroup::leader).orElse(group.getFirst());
            try {
                new Scheduler(
                                layout,
                                new SchedulerLimits(TOKENS, 5, 5, 0),
                                new PreemptionCost(PreemptionCost.Mode.SWAP),
                                CONTEXT)
                        .add(leader);
            } catch (IllegalArgumentException e) {
                return; // the door would have refused it
            }
            groups |= group.size() > 1 && group.getFirst().beams().isEmpty();
            assertTrue(inbox.offer(leader));
            sent.put(group, index);
            open.add(group);
        }

        /// A request that makes the step it is in fail.
        private void spoil(int turn) {
            int[] prompt = Requests.prompt(turn % 4, 1 + random.nextInt(60), VOCABULARY);
            prompt[random.nextInt(prompt.length)] = 999_999;
            var spec = new Sequence.Spec(
                    1_000_000L + turn,
                    random.nextInt(3),
                    prompt,
                    4,
                    SamplingParameters.greedy(),
                    new BitSet(),
                    TokenBuffer.NO_LOGPROBS,
                    false,
                    "");
            var spoiler = new Sequence(spec, layout);
            if (layout.mostBlocks(prompt.length + 3) <= layout.pool().blocks()) {
                assertTrue(inbox.offer(spoiler));
                spoilers.add(spoiler);
            }
        }

        private void check() {
            for (Sequence spoiler : spoilers) {
                assertEquals(TokenBuffer.Ending.FAILED, spoiler.output().ending());
            }
            sent.forEach((group, index) -> {
                List<String> expected = alone(index);
                for (int i = 0; i < group.size(); i++) {
                    Sequence sequence = group.get(i);
                    switch (sequence.output().ending()) {
                        case STOP, LENGTH -> {
                            assertEquals(expected.get(i), text(sequence), "request=" + index + ", choice=" + i);
                        }
                        case CANCELLED, FAILED -> {
                            boolean lost = sequence.output().ending() == TokenBuffer.Ending.CANCELLED;
                            if (!lost) {
                                assertTrue(
                                        !spoilers.isEmpty(),
                                        "failed: " + sequence.output().failure());
                            }
                            if (sequence.beams().isEmpty()) {
                                String whole = expected.get(i);
                                String scores = text(sequence.promptScores());
                                assertTrue(whole.startsWith(scores), "request=" + index + ", choice=" + i);
                                String tokens = whole.substring(whole.indexOf('|') + 2);
                                assertTrue(
                                        tokens.startsWith(text(sequence.output())),
                                        "request=" + index + ", choice=" + i);
                            }
                        }
                    }
                }
            });
        }
    }
}
