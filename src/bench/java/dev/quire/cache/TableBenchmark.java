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
import org.openjdk.jmh.infra.Blackhole;

/// What a token costs a table: one sequence of 4,096 tokens from its first to its last, and its blocks given back at
/// the end, divided by its tokens. With an index, every sixteenth token fills a block, which is hashed and entered.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(TableBenchmark.TOKENS)
@Fork(value = 1, jvmArgsAppend = "-Xmx1g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TableBenchmark {
    static final int TOKENS = 4_096;
    private static final int BLOCK_SIZE = 16;

    @Param({"1000", "100000"})
    int blocks;

    @Param({"off", "on"})
    String prefix;

    private BlockPool pool;
    private BlockTable table;
    private int[] token;
    private BlockCopies copies;

    @Setup(Level.Trial)
    public void makeTable() {
        pool = new BlockPool(
                blocks, BLOCK_SIZE, prefix.equals("on") ? new PrefixIndex(blocks, BLOCK_SIZE) : PrefixIndex.off());
        ShuffledBlocks.hold(pool, blocks / 2);
        token = new Random(1).ints(TOKENS, 0, 49_152).toArray();
        table = new BlockTable(pool, token, "");
        copies = new BlockCopies(1);
    }

    /// All blocks are reserved at once.
    @Benchmark
    public void append(Blackhole blackhole) {
        table.reserve(TOKENS, copies);
        for (int i = 0; i < TOKENS; i++) {
            table.append(1);
            hash(i, blackhole);
        }
        end();
    }

    /// One token at a time, as in decoding.
    @Benchmark
    public void reserveAndAppend(Blackhole blackhole) {
        for (int i = 0; i < TOKENS; i++) {
            table.reserve(i + 1, copies);
            table.append(1);
            hash(i, blackhole);
        }
        end();
    }

    /// The table has hashed its tokens in the first invocation, so this does what that did.
    private void hash(int position, Blackhole blackhole) {
        if (pool.index().on() && position % BLOCK_SIZE == BLOCK_SIZE - 1) {
            blackhole.consume(BlockHash.of(position, token, position + 1 - BLOCK_SIZE, BLOCK_SIZE));
        }
    }

    /// No entry stays behind for the next invocation to find.
    private void end() {
        table.forget();
        table.release();
    }
}
