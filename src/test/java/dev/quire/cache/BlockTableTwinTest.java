package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Tables on one pool beside [CacheTwin], through random steps: sequences open, grow, plan, fork and go; some fail
/// between plan and computation, and take with them who shared what they were to compute; the rest are computed, in
/// any order and in pieces. Beside that, an array stands for the memory of the blocks: copies and writes are carried
/// out in it, and after every step each table must read its own tokens.
///
/// Everything about the table at hand and every counter is compared after each operation, every block and
/// `checkInvariants` after each one in small pools and after every 16th in larger ones: O(blocks) each.
class BlockTableTwinTest {
    private static final int SEEDS = 40;
    private static final int OPERATIONS = 26_000; // 1.04 million in all
    private static final int MAX_TOKENS = 26;

    /// A sequence with its two tables, and what it is to compute in this step.
    private record Pair(BlockTable real, CacheTwin.Table twin) {
        int room() {
            return twin.token.length - twin.length;
        }
    }

    private long seed;
    private int operation;
    private final Supplier<String> where = () -> "seed=" + seed + ", operation=" + operation;

    private Random random;
    private boolean small;
    private BlockPool pool;
    private CacheTwin twin;
    private int[] memory;
    private Pair[] pairs;
    private int[] planned; // tokens that a pair is to have after this step, or 0
    private int alphabet;
    private final BlockCopies copies = new BlockCopies(64);

    static LongStream seeds() {
        return LongStream.rangeClosed(1, SEEDS);
    }

    @ParameterizedTest(name = "seed={0}")
    @MethodSource("seeds")
    void randomSteps_agreeWithTwin(long chosen) {
        seed = chosen;
        random = new Random(seed);
        small = seed % 4 > 0;
        int blocks = small ? 2 + random.nextInt(14) : 16 + random.nextInt(60);
        int blockSize = random.nextInt(8) == 0 ? 16 : 1 + random.nextInt(6);
        alphabet = 1 + random.nextInt(2);
        pool = new BlockPool(blocks, blockSize, new PrefixIndex(blocks, blockSize, function(random.nextInt(3))));
        twin = new CacheTwin(blocks, blockSize);
        memory = new int[blocks * blockSize];
        pairs = new Pair[2 + random.nextInt(6)];
        planned = new int[pairs.length];
        Arrays.setAll(pairs, i -> sequence());
        while (operation < OPERATIONS) {
            for (int i = random.nextInt(2 * pairs.length); i >= 0; i--) {
                prepare(random.nextInt(pairs.length));
            }
            carryOutCopies();
            fail();
            compute();
            readAll();
        }
    }

    private static BlockHash.Function function(int which) {
        return switch (which) {
            case 0 -> BlockHash::of;
            case 1 -> (parent, token, from, count) -> BlockHash.of(0, token, from, count);
            default -> (parent, token, from, count) -> 7;
        };
    }

    /// A new sequence: one of few beginnings, then its own tokens.
    private Pair sequence() {
        int[] token = new int[1 + random.nextInt(MAX_TOKENS)];
        int beginning = random.nextInt(alphabet);
        int own = random.nextInt(2 * MAX_TOKENS);
        Arrays.setAll(token, i -> i < own ? (i + beginning) % 2 : random.nextInt(3));
        return pair(token, random.nextInt(4) == 0 ? "salt" : "");
    }

    private Pair pair(int[] token, String salt) {
        return new Pair(new BlockTable(pool, token, salt), twin.new Table(token, salt));
    }

    /// One sequence that has no part in the step yet does something.
    private void prepare(int i) {
        Pair pair = pairs[i];
        if (planned[i] > 0) {
            return;
        }
        if (pair.twin.blocks.isEmpty()) {
            open(i);
            return;
        }
        switch (random.nextInt(12)) {
            case 0, 1 -> release(i);
            case 2 -> {
                pair.real.forget();
                pair.twin.forget();
                compare(pair);
                release(i);
            }
            case 3, 4, 5 -> fork(i, random.nextInt(pairs.length));
            default -> grow(i);
        }
    }

    private void open(int i) {
        if (random.nextInt(3) > 0) {
            twin.tables.remove(pairs[i].twin);
            pairs[i] = sequence();
        }
        Pair pair = pairs[i];
        int tokens = 1 + random.nextInt(pair.twin.token.length);
        int shareable = random.nextInt(4) == 0 ? random.nextInt(tokens + 1) : tokens;
        int spare = random.nextInt(4) == 0 ? random.nextInt(3) : 0;
        if (random.nextBoolean()) {
            pair.real.prepare(tokens);
        }
        int missing = pair.twin.open(tokens, shareable, spare);
        assertEquals(missing, pair.real.open(tokens, shareable, spare), where);
        compare(pair);
        if (missing == 0) {
            plan(i, pair.twin.length + 1 + random.nextInt(tokens - pair.twin.length));
        }
    }

    private void grow(int i) {
        Pair pair = pairs[i];
        if (pair.room() == 0) {
            release(i);
            return;
        }
        int tokens = pair.twin.length + 1 + random.nextInt(Math.min(pair.room(), 8));
        int missing = pair.twin.reserve(tokens);
        assertEquals(missing, pair.real.reserve(tokens, copies), where);
        compare(pair);
        if (missing == 0) {
            plan(i, tokens);
        } else if (random.nextInt(3) == 0) {
            release(i);
        }
    }

    /// Announces, or not, as for a token that decoding adds.
    private void plan(int i, int tokens) {
        Pair pair = pairs[i];
        planned[i] = tokens;
        if (random.nextInt(4) > 0) {
            pair.twin.plan(tokens);
            pair.real.plan(tokens);
            compare(pair);
        }
    }

    private void fork(int from, int to) {
        Pair parent = pairs[from];
        if (from == to || planned[to] > 0 || !pairs[to].twin.blocks.isEmpty() || !parent.twin.canFork()) {
            return;
        }
        int[] token = Arrays.copyOf(parent.twin.token, parent.twin.written() + random.nextInt(MAX_TOKENS) + 1);
        for (int i = parent.twin.written(); i < token.length; i++) {
            token[i] = random.nextInt(alphabet);
        }
        twin.tables.remove(pairs[to].twin);
        Pair child = pair(token, parent.twin.salt);
        pairs[to] = child;
        parent.twin.fork(child.twin);
        parent.real.fork(child.real);
        compare(child);
    }

    private void release(int i) {
        pairs[i].twin.release();
        pairs[i].real.release();
        planned[i] = 0;
        compare(pairs[i]);
    }

    /// As the engine does before it computes: in the order in which they were asked for.
    private void carryOutCopies() {
        assertEquals(twin.copies.size(), copies.count(), where);
        for (int i = 0; i < copies.count(); i++) {
            var copy = new CacheTwin.Copy(copies.source(i), copies.destination(i));
            assertEquals(twin.copies.get(i), copy, where);
            int size = twin.blockSize;
            System.arraycopy(memory, copy.source() * size, memory, copy.destination() * size, size);
        }
        copies.clear();
        twin.copies.clear();
    }

    /// Some that have a part in the step drop out of it; so do those that shared what they were to compute.
    private void fail() {
        for (int i = 0; i < pairs.length; i++) {
            if (planned[i] > 0 && random.nextInt(12) == 0) {
                if (random.nextBoolean()) {
                    release(i);
                } else {
                    pairs[i].twin.rollBack();
                    pairs[i].real.rollBack();
                    planned[i] = 0;
                    compareTable(pairs[i]); // its dependants contradict it until they are gone
                }
                releaseOrphans();
                compare(pairs[i]);
            }
        }
    }

    private void releaseOrphans() {
        boolean found = true;
        while (found) {
            found = false;
            for (int i = 0; i < pairs.length; i++) {
                boolean stands = pairs[i].twin.prefixStands();
                assertEquals(stands, pairs[i].real.prefixStands(), where);
                if (!stands) {
                    pairs[i].twin.release();
                    pairs[i].real.release();
                    planned[i] = 0;
                    compareTable(pairs[i]);
                    found = true;
                }
            }
        }
    }

    /// In any order, in one or two pieces; all is in memory before the first is counted.
    private void compute() {
        for (int i = 0; i < pairs.length; i++) {
            for (int position = pairs[i].twin.length; position < planned[i]; position++) {
                long slot = pairs[i].real.slot(position);
                boolean known = position < pairs[i].twin.shared;
                assertEquals(known, slot == BlockTable.NO_SLOT, where);
                if (!known) {
                    memory[(int) slot] = pairs[i].twin.token[position];
                }
            }
        }
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < pairs.length; i++) {
            order.add(random.nextInt(order.size() + 1), i);
        }
        for (int i : order) {
            int tokens = planned[i] - pairs[i].twin.length;
            if (planned[i] > 0) {
                int first = random.nextInt(tokens + 1);
                append(pairs[i], first);
                append(pairs[i], tokens - first);
                planned[i] = 0;
            }
        }
    }

    private void append(Pair pair, int tokens) {
        pair.twin.append(tokens);
        pair.real.append(tokens);
        compare(pair);
    }

    /// Every table reads what its sequence says.
    private void readAll() {
        for (Pair pair : pairs) {
            for (int position = 0; position < pair.real.length(); position++) {
                int offset = position % twin.blockSize;
                assertEquals(
                        pair.twin.token[position],
                        memory[pair.real.blockOf(position) * twin.blockSize + offset],
                        where);
            }
        }
    }

    private void compare(Pair pair) {
        compareTable(pair);
        if (small || operation % 16 == 0) {
            compareBlocks();
            pool.checkInvariants();
            for (Pair each : pairs) {
                each.real.checkInvariants();
            }
        }
    }

    private void compareTable(Pair pair) {
        operation++;
        assertEquals(pair.twin.length, pair.real.length(), where);
        assertEquals(pair.twin.shared, pair.real.sharedTokens(), where);
        assertEquals(pair.twin.blocks.size(), pair.real.blocks(), where);
        for (int i = 0; i < pair.real.blocks(); i++) {
            assertEquals(pair.twin.blocks.get(i), pair.real.block(i), where);
        }
        assertEquals(twin.free.size(), pool.free(), where);
        assertEquals(twin.cached.size(), pool.cached(), where);
        assertEquals(twin.evictions, pool.evictions(), where);
        assertEquals(twin.entries(), pool.index().size(), where);
    }

    private void compareBlocks() {
        int[] references = twin.references();
        long saved = 0;
        int shared = 0;
        long tokens = 0;
        for (int block = 0; block < references.length; block++) {
            assertEquals(references[block], pool.refCount(block), where);
            assertEquals(twin.used(block), pool.used(block), where);
            assertEquals(twin.contains(block), pool.index().contains(block), where);
            assertEquals(twin.pending(block), pool.index().pending(block), where);
            saved += Math.max(0, references[block] - 1);
            shared += references[block] > 1 ? 1 : 0;
            tokens += references[block] > 0 ? twin.used(block) : 0;
        }
        assertEquals(saved, pool.saved(), where);
        assertEquals(shared, pool.shared(), where);
        assertEquals(tokens, pool.tokensInUse(), where);
    }
}
