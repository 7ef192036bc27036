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

/// What it costs to look for one block of a prefix of 64 blocks, in an index that is full of such prefixes, asked for
/// in random order.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(LookupBenchmark.CHAIN)
@Fork(value = 1, jvmArgsAppend = "-Xmx4g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LookupBenchmark {
    static final int CHAIN = 64; // blocks
    private static final int BLOCK_SIZE = 16;
    private static final int TOKENS = CHAIN * BLOCK_SIZE;

    @Param({"1000", "100000"})
    int blocks;

    private final long root = BlockHash.root("");
    private PrefixIndex index;
    private int[][] token; // [blocks / CHAIN, TOKENS]
    private PrefixChain[] chain; // [blocks / CHAIN]
    private int[] found; // [CHAIN]
    private int[] turn; // which prefix is asked for next
    private int at;

    @Setup(Level.Trial)
    public void fill() {
        var random = new Random(1);
        int chains = blocks / CHAIN;
        int[] block = ShuffledBlocks.order(blocks, random);
        index = new PrefixIndex(blocks, BLOCK_SIZE);
        token = new int[chains][];
        chain = new PrefixChain[chains];
        for (int i = 0; i < chains; i++) {
            token[i] = random.ints(TOKENS, 0, 49_152).toArray();
            long hash = root;
            long parent = PrefixIndex.ROOT;
            for (int k = 0; k < CHAIN; k++) {
                hash = index.hash(hash, token[i], k * BLOCK_SIZE);
                parent = index.add(block[i * CHAIN + k], hash, parent, token[i], k * BLOCK_SIZE, "", false);
            }
            chain[i] = new PrefixChain(index, token[i], "");
        }
        found = new int[CHAIN];
        turn = ShuffledBlocks.order(chains, random);
    }

    /// All are there, and their hashes are known.
    @Benchmark
    public int find() {
        int blocksFound = chain[next()].find(TOKENS, found);
        if (blocksFound != CHAIN) {
            throw new IllegalStateException("prefix must be found: blocks=" + blocksFound);
        }
        return found[CHAIN - 1];
    }

    /// All are there, and their hashes are computed first.
    @Benchmark
    public int hashAndFind() {
        int[] tokens = token[next()];
        long hash = root;
        long parent = PrefixIndex.ROOT;
        int block = PrefixIndex.NONE;
        for (int i = 0; i < CHAIN; i++) {
            hash = index.hash(hash, tokens, i * BLOCK_SIZE);
            block = index.find(hash, parent, tokens, i * BLOCK_SIZE, "");
            parent = index.generation(block);
        }
        return block;
    }

    /// None is there; the hash, which differs each time, is computed first.
    @Benchmark
    public void hashAndMiss(Blackhole blackhole) {
        int[] tokens = token[next()];
        for (int i = 0; i < CHAIN; i++) {
            long hash = index.hash(i + 1L, tokens, i * BLOCK_SIZE);
            blackhole.consume(index.find(hash, PrefixIndex.ROOT, tokens, i * BLOCK_SIZE, ""));
        }
    }

    /// No look-up: the hash alone.
    @Benchmark
    public long hash() {
        int[] tokens = token[next()];
        long hash = root;
        for (int i = 0; i < CHAIN; i++) {
            hash = index.hash(hash, tokens, i * BLOCK_SIZE);
        }
        return hash;
    }

    private int next() {
        at = at + 1 == turn.length ? 0 : at + 1;
        return turn[at];
    }
}
