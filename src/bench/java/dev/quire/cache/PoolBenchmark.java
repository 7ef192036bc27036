package dev.quire.cache;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// What it costs to take a block and to give one back, half of the pool being held: blocks that hold nothing worth
/// sharing, and cached ones, which are evicted when they are taken.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PoolBenchmark {
    private static final int BLOCK_SIZE = 16;

    @Param({"1000", "100000"})
    int blocks;

    @Param({"off", "on"})
    String prefix;

    private BlockPool pool;
    private int[] held; // [blocks / 2]
    private int[] turn; // [blocks / 2] which is given back next, shuffled
    private int[] token;
    private int at;

    @Setup(Level.Trial)
    public void takeHalf() {
        pool = new BlockPool(
                blocks, BLOCK_SIZE, prefix.equals("on") ? new PrefixIndex(blocks, BLOCK_SIZE) : PrefixIndex.off());
        held = ShuffledBlocks.hold(pool, blocks / 2);
        turn = ShuffledBlocks.order(blocks / 2, new Random(2));
        token = new int[BLOCK_SIZE];
        at = 0;
    }

    /// Takes the block that was given back last, and gives back any of those that are held.
    @Benchmark
    public void allocateAndRelease() {
        int place = nextPlace();
        int given = held[place];
        pool.allocate(1, held, place);
        pool.release(given);
    }

    /// Takes the block that has been cached longest (its entry goes), enters it again under another hash, and gives
    /// any other back, which is cached. Without an index, blocks go to the queue's head: the same as above.
    @Benchmark
    public void evictAndCache() {
        int place = nextPlace();
        int given = held[place];
        pool.allocate(1, held, place);
        PrefixIndex index = pool.index();
        if (index.on()) {
            token[0]++;
            pool.fill(held[place], BLOCK_SIZE);
            index.add(held[place], index.hash(0, token, 0), PrefixIndex.ROOT, token, 0, "", false);
        }
        pool.release(given);
    }

    private int nextPlace() {
        int place = turn[at];
        at = at + 1 == turn.length ? 0 : at + 1;
        return place;
    }
}
