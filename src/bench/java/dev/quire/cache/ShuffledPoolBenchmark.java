package dev.quire.cache;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// A pool far beyond the processor's caches whose queue is in no order: every block that is taken, and every block
/// that is given back, is a cache miss. An operation is both.
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xms3g", "-Xmx3g", "-XX:+AlwaysPreTouch"})
@Warmup(iterations = 1)
@Measurement(iterations = 4)
public class ShuffledPoolBenchmark {
    private static final int BLOCKS = 10_000_000;
    private static final int BLOCK_SIZE = 16;

    @Param({"off", "on"})
    String prefix;

    private BlockPool pool;
    private Random random;
    private int[] held;

    @Setup(Level.Trial)
    public void shuffleQueue() {
        pool = new BlockPool(
                BLOCKS, BLOCK_SIZE, prefix.equals("on") ? new PrefixIndex(BLOCKS, BLOCK_SIZE) : PrefixIndex.off());
        random = new Random(3);
        held = ShuffledBlocks.hold(pool, BLOCKS);
    }

    /// The order in which blocks are given back is the one in which the next operations take them, backwards.
    @Setup(Level.Invocation)
    public void shuffleHeld() {
        for (int i = BLOCKS; i > 1; i--) {
            int j = random.nextInt(i);
            int block = held[i - 1];
            held[i - 1] = held[j];
            held[j] = block;
        }
    }

    @Benchmark
    @OperationsPerInvocation(BLOCKS)
    public void releaseAndAllocate() {
        for (int i = 0; i < BLOCKS; i++) {
            pool.release(held[i]);
        }
        for (int i = 0; i < BLOCKS; i++) {
            pool.allocate(1, held, i);
        }
    }
}
