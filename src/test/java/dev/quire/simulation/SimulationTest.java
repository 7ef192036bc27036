package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.cache.ContiguousLayout;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.TokenBuffer;
import dev.quire.simulation.Workload.Disturbance;
import dev.quire.simulation.Workload.Kind;
import dev.quire.simulation.Workload.Request;
import dev.quire.simulation.Workload.Setup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/// Random workloads through the real scheduler and cache, and what some of them must cost.
///
/// `simulation.seed` is the first one's seed, each next one has the next number; `simulation.workloads` says how
/// many. A failure prints the seed and the workload made small, as Java for a test of its own here.
class SimulationTest {
    private static final long SEED = Long.getLong("simulation.seed", 1);
    private static final int WORKLOADS = Integer.getInteger("simulation.workloads", 20_000);

    @Test
    void randomWorkloads_keepEveryPromise() {
        for (long seed = SEED; seed < SEED + WORKLOADS; seed++) {
            Workload workload = WorkloadMaker.make(seed);
            assertTrue(workload.fits(), "a request must fit the pool: seed=" + seed);
            Optional<Throwable> failure = failure(workload);
            if (failure.isPresent()) {
                Workload small = Shrinker.shrink(workload, each -> failure(each).isPresent());
                fail("workload failed: seed=" + seed + ", replay=make test-simulation SEED=" + seed
                        + " WORKLOADS=1, failure=" + failure.get() + "\nshrunk: failure="
                        + failure(small).orElseThrow() + "\n" + small);
            }
        }
    }

    private static Optional<Throwable> failure(Workload workload) {
        try {
            Simulation.run(workload);
            return Optional.empty();
        } catch (RuntimeException | AssertionError e) {
            return Optional.of(e);
        }
    }

    /// What the workloads are for must happen in them: else a change of `WorkloadMaker` could make them harmless.
    @Test
    void randomWorkloads_shareForkPreemptEvictAndRestart() {
        long[] seen = new long[5];
        for (long seed = 1; seed <= 500; seed++) {
            Simulation simulation = Simulation.run(WorkloadMaker.make(seed));
            seen[0] += simulation.scheduler().prefixHits() > 0 ? 1 : 0;
            seen[1] += simulation.pool().copies() > 0 ? 1 : 0;
            seen[2] += simulation.scheduler().preemptions() > 0 ? 1 : 0;
            seen[3] += simulation.pool().evictions() > 0 ? 1 : 0;
            seen[4] += simulation.scheduler().restarts() > 0 ? 1 : 0;
        }
        assertTrue(
                seen[0] > 100 && seen[1] > 65 && seen[2] > 40 && seen[3] > 75 && seen[4] > 2,
                () -> "hits, copies, preemptions, evictions, restarts=" + Arrays.toString(seen));
    }

    /// The same for layouts and the swap space.
    @Test
    void randomWorkloads_swapStallRelocateAndUseEachLayout() {
        long[] seen = new long[6];
        for (long seed = 1; seed <= 500; seed++) {
            Workload workload = WorkloadMaker.make(seed);
            Simulation simulation = Simulation.run(workload);
            seen[0] += simulation.scheduler().swaps() > 0 ? 1 : 0;
            seen[1] += simulation.stalls() > 0 ? 1 : 0;
            seen[2] += simulation.layout() instanceof ContiguousLayout runs && runs.relocations() > 0 ? 1 : 0;
            seen[3 + workload.setup().memory().layout().ordinal()]++;
        }
        assertTrue(
                seen[0] > 5 && seen[1] > 5 && seen[2] > 5 && seen[3] > 250 && seen[4] > 50 && seen[5] > 20,
                () -> "swaps, stalls, relocations, paged, contiguous, none=" + Arrays.toString(seen));
    }

    /// The same for what moves blocks together: to make room for runs, and when asked, with each policy.
    @Test
    void randomWorkloads_compactInEachLayout() {
        long[] seen = new long[6];
        for (long seed = 1; seed <= 1_000; seed++) {
            Workload workload = WorkloadMaker.make(seed);
            Simulation simulation = Simulation.run(workload);
            boolean moved = simulation.pool().moves().blocks() > 0;
            if (simulation.layout() instanceof ContiguousLayout) {
                seen[workload.setup().memory().fit().ordinal()] += moved ? 1 : 0;
                seen[3] += simulation.pool().moves().compactions() > 1 ? 1 : 0;
            } else {
                seen[4] += moved ? 1 : 0;
                seen[5] += simulation.compactions() > 1 ? 1 : 0;
            }
        }
        assertTrue(
                Arrays.stream(seen).allMatch(count -> count > 1) && seen[3] > 4 && seen[4] > 30 && seen[5] > 10,
                () -> "first fit, best fit, buddy, several times, asked for, several rounds=" + Arrays.toString(seen));
    }

    /// The same for beams.
    @Test
    void randomWorkloads_searchReorderInterruptAndEndEarly() {
        long[] seen = new long[8];
        for (long seed = 1; seed <= 500; seed++) {
            Workload workload = WorkloadMaker.make(seed);
            List<BeamTwin> searches = Simulation.run(workload).searches();
            seen[0] += searches.isEmpty() ? 0 : 1;
            seen[1] += any(searches, search -> search.moves() > 0);
            seen[2] += any(searches, search -> search.interrupted());
            seen[3] += any(searches, search -> search.disturbed(TokenBuffer.Ending.CANCELLED));
            seen[4] += any(searches, search -> search.disturbed(TokenBuffer.Ending.FAILED));
            seen[5 + workload.setup().memory().layout().ordinal()] += any(searches, search -> search.interrupted());
        }
        assertTrue(
                seen[0] > 150
                        && seen[1] > 60
                        && seen[2] > 8
                        && seen[3] > 25
                        && seen[4] > 25
                        && seen[5] > 4
                        && seen[6] > 2
                        && seen[7] > 0,
                () -> "searches, moves, interruptions, cancelled, failed, interruptions of each layout="
                        + Arrays.toString(seen));
    }

    private static int any(List<BeamTwin> searches, Predicate<BeamTwin> what) {
        return searches.stream().anyMatch(what) ? 1 : 0;
    }

    /// However the prompt is cut into chunks, whoever comes in the same step shares the blocks that are computed
    /// in it.
    @Test
    void requestsWithOneNewPrefix_computeItOnce() {
        var random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            int blockSize = new int[] {1, 2, 4, 16}[random.nextInt(4)];
            int count = 2 + random.nextInt(15);
            int[] prefix = tokens(random, 1 + random.nextInt(200));
            List<Request> requests = new ArrayList<>();
            long most = prefix.length;
            for (int id = 0; id < count; id++) {
                int[] own = tokens(random, 1 + random.nextInt(20));
                requests.add(request(id, 0, joined(prefix, own), 1, 1));
                most += own.length + blockSize - 1;
            }
            int sequences = 1 + random.nextInt(16);
            var limits = new SchedulerLimits(sequences + random.nextInt(300), sequences, sequences, 0);
            Simulation simulation = run(1_000, blockSize, limits, requests);
            long computed = simulation.computedTokens();
            assertTrue(computed <= most, "computed=" + computed + ", most=" + most + ", limits=" + limits);
        }
    }

    @Test
    void choices_computeThePromptOnce() {
        var limits = new SchedulerLimits(64, 8, 8, 0);
        int[] prompt = tokens(new SplittableRandom(1), 50);
        Simulation simulation = run(100, 16, limits, List.of(request(0, 0, prompt, 6, 8)));
        assertEquals(50 + 8 * 5, simulation.computedTokens());
        assertEquals(7, simulation.pool().copies());
    }

    @Test
    void promptThatIsCachedWhole_computesOneToken() {
        var limits = new SchedulerLimits(64, 8, 8, 0);
        int[] prompt = tokens(new SplittableRandom(1), 48);
        Simulation simulation = run(100, 16, limits, List.of(request(0, 0, prompt, 1, 1), request(1, 9, prompt, 1, 1)));
        assertEquals(48 + 1, simulation.computedTokens());
        assertEquals(47, simulation.scheduler().prefixHits());
    }

    @Test
    void shrink_keepsWhatIsNeededToFail() {
        Workload workload = WorkloadMaker.make(3);
        List<Request> requests = new ArrayList<>(workload.requests());
        requests.add(request(77, 3, tokens(new SplittableRandom(1), 29), 9, 1));
        List<Disturbance> disturbances = new ArrayList<>(workload.disturbances());
        disturbances.add(new Disturbance(8, Kind.FAIL_STEP, 0, 0));
        var setup = new Setup(1_000, 4, new SchedulerLimits(64, 8, 8, 2), true, 3, 9);
        Workload small = Shrinker.shrink(
                new Workload(setup, requests, disturbances),
                each -> each.disturbances().stream().anyMatch(one -> one.kind() == Kind.FAIL_STEP)
                        && each.requests().stream().anyMatch(one -> one.id() == 77 && one.prompt().length >= 5));
        String prompt = Arrays.toString(small.requests().getFirst().prompt())
                .replace('[', '{')
                .replace(']', '}');
        assertEquals("""
                new Workload(
                    new Setup(2, 4, new SchedulerLimits(64, 8, 8, 0), false, 64, 9, Memory.PAGED),
                    List.of(new Request(77, 0, new int[] %s, 1, 7L, 1, 0, false, false, "a")),
                    List.of(new Disturbance(0, Kind.FAIL_STEP, 0, 0)))""".formatted(prompt), small.toString());
        assertEquals(5, small.requests().getFirst().prompt().length);
    }

    private static Simulation run(int blocks, int blockSize, SchedulerLimits limits, List<Request> requests) {
        var setup = new Setup(blocks, blockSize, limits, true, Workload.ALL_BITS, 50);
        return Simulation.run(new Workload(setup, requests, List.of()));
    }

    private static Request request(int id, int arrival, int[] prompt, int maxTokens, int choices) {
        return new Request(id, arrival, prompt, maxTokens, 7, choices, 0, false, false, "a");
    }

    private static int[] tokens(SplittableRandom random, int count) {
        return random.ints(count, 0, 50).toArray();
    }

    private static int[] joined(int[] first, int[] second) {
        int[] joined = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, joined, first.length, second.length);
        return joined;
    }
}
