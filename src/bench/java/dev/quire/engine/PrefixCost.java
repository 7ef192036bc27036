package dev.quire.engine;

import dev.quire.engine.EngineStats.StepNanos;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.cpu.CpuKernels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.ToLongFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// What prefix caching costs the step loop when nothing is ever shared: the engine thread's time beside the kernels,
/// with the index and without, in pairs of runs that answer the same requests, in turn, in one process.
///
/// Requests are 32 at once, with prompts of 100 … 1,000 random tokens and answers of 100 … 200.
@Command(
        name = "make prefix-cost ARGS=\"…\"",
        mixinStandardHelpOptions = true,
        description = "The step loop's own time with prefix caching and without, when nothing is shared.")
public final class PrefixCost implements Runnable {
    private static final Path TINY_MODEL = Path.of("src/test/resources/models/tiny-llama-q4_1.gguf");
    private static final int VOCABULARY = 49_152;
    private static final int LEAST_PROMPT = 100;
    private static final int MOST_PROMPT = 1_000;
    private static final int LEAST_ANSWER = 100;
    private static final int MOST_ANSWER = 200;
    private static final double INTERVAL_TAIL = 0.025; // either side of a 95 % interval

    @Option(names = "--pairs", description = "pairs that count (default ${DEFAULT-VALUE})")
    private int pairs = 40;

    @Option(names = "--warm-ups", description = "pairs before them (default ${DEFAULT-VALUE})")
    private int warmUps = 10;

    @Option(names = "--requests", description = "in each run, 32 at once (default ${DEFAULT-VALUE})")
    private int requests = 64;

    @Option(names = "--blocks", description = "of each pool (default ${DEFAULT-VALUE})")
    private int blocks = 8_192;

    @Option(
            names = "--kernel-mib",
            description =
                    "the idle kernels read so much in each step, as a forward pass would (default ${DEFAULT-VALUE})")
    private int kernelMib;

    @Option(names = "--model", description = "compute this file with the CPU's kernels (default: idle kernels)")
    private Path model;

    @Option(names = "--threads", description = "of the CPU's kernels (default ${DEFAULT-VALUE})")
    private int threads = 2;

    @Option(names = "--seed", description = "of lengths and tokens (default ${DEFAULT-VALUE})")
    private long seed = 1;

    private final List<StepNanos> off = new ArrayList<>();
    private final List<StepNanos> on = new ArrayList<>();

    /// Runs the command line.
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new PrefixCost()).execute(arguments));
    }

    @Override
    public void run() {
        try (var without = open(false);
                var with = open(true)) {
            var random = new Random(seed);
            long before = 0;
            for (int pair = -warmUps; pair < pairs; pair++) {
                before = pair == 0 ? without.steps() : before;
                runPair(pair, without, with, random);
            }
            double steps = (double) (without.steps() - before) / pairs;
            System.out.printf(
                    Locale.ROOT,
                    "%d pairs of %d requests, %.0f steps a run; %d blocks, %d evictions; %s%n",
                    pairs,
                    requests,
                    steps,
                    blocks,
                    with.evictions(),
                    model == null ? kernelMib + " MiB read in each step" : model.getFileName());
            print(steps);
        }
    }

    private BenchedLoop open(boolean prefix) {
        return new BenchedLoop(model == null ? TINY_MODEL : model, this::kernels, blocks, prefix);
    }

    private Kernels kernels(ModelShape shape, BatchLimits limits) {
        return model == null
                ? new IdleKernels(kernelMib << 20)
                : CpuKernels.open(shape, limits, threads, "auto", CacheType.AUTO, null);
    }

    /// One run of each, the second pair in the order opposite to the first: what drifts meets both alike.
    private void runPair(int pair, BenchedLoop without, BenchedLoop with, Random random) {
        int[] answerTokens =
                random.ints(requests, LEAST_ANSWER, MOST_ANSWER + 1).toArray();
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            int length = random.nextInt(LEAST_PROMPT, MOST_PROMPT + 1);
            prompts.add(random.ints(length, 0, VOCABULARY).toArray());
        }
        boolean offFirst = (pair & 1) == 0;
        StepNanos first = (offFirst ? without : with).answer(prompts, answerTokens);
        StepNanos second = (offFirst ? with : without).answer(prompts, answerTokens);
        if (pair >= 0) {
            off.add(offFirst ? first : second);
            on.add(offFirst ? second : first);
        }
    }

    private void print(double steps) {
        System.out.printf("%-18s %8s %8s  %-30s %s%n", "ns a step", "off", "on", "on - off", "on / off");
        print("schedule", StepNanos::schedule, steps);
        print("build", StepNanos::build, steps);
        print("deliver", StepNanos::deliver, steps);
        print("the three", PrefixCost::loop, steps);
        print("and sampling", nanos -> loop(nanos) + nanos.sample(), steps);
        print("kernels", StepNanos::kernels, steps);
    }

    private static long loop(StepNanos nanos) {
        return nanos.schedule() + nanos.build() + nanos.deliver();
    }

    /// Medians over the runs, and over the pairs with the 95 % interval of the median.
    private void print(String part, ToLongFunction<StepNanos> nanos, double steps) {
        double[] without = new double[pairs];
        double[] with = new double[pairs];
        double[] difference = new double[pairs];
        double[] ratio = new double[pairs];
        for (int i = 0; i < pairs; i++) {
            without[i] = nanos.applyAsLong(off.get(i)) / steps;
            with[i] = nanos.applyAsLong(on.get(i)) / steps;
            difference[i] = with[i] - without[i];
            ratio[i] = with[i] / without[i];
        }
        System.out.printf(
                Locale.ROOT,
                "%-18s %8.0f %8.0f  %-30s %s%n",
                part,
                median(without),
                median(with),
                interval(difference, "%+.0f (%+.0f … %+.0f)"),
                interval(ratio, "%.3f (%.3f … %.3f)"));
    }

    private static String interval(double[] values, String format) {
        double median = median(values); // and sorts
        int rank = intervalRank(values.length);
        return String.format(Locale.ROOT, format, median, values[rank], values[values.length - 1 - rank]);
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
    }

    /// The median lies between the values of this rank from either end with a probability of at least 95 %, whatever
    /// their distribution: each value is below it with probability 1/2 (the sign test's interval). At least six
    /// values have one; of fewer, it is the range.
    private static int intervalRank(int values) {
        double probability = Math.pow(0.5, values); // that exactly `rank` values are below the median
        double below = 0; // that fewer are
        int rank = 0;
        while (below + probability <= INTERVAL_TAIL) {
            below += probability;
            probability *= (double) (values - rank) / (rank + 1);
            rank++;
        }
        return Math.max(0, rank - 1);
    }
}
