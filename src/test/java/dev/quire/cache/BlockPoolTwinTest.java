package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A pool beside a naive twin of plain collections: both take the same random operations, and must give the same
/// blocks and say the same after each.
///
/// Small pools are compared and checked whole after every operation, larger ones after every 32nd: O(blocks) each.
class BlockPoolTwinTest {
    private static final int SEEDS = 20;
    private static final int OPERATIONS = 60_000; // 1.2 million in all

    private long seed;
    private int operation;
    private final Supplier<String> where = () -> "seed=" + seed + ", operation=" + operation;

    private Random random;
    private int blocks;
    private int blockSize;
    private PrefixIndex index;
    private BlockPool pool;

    // The twin: who waits in which order, who is held how often, and what is in each block.
    private final Deque<Integer> free = new ArrayDeque<>();
    private final LinkedHashSet<Integer> cached = new LinkedHashSet<>();
    private final List<Integer> references = new ArrayList<>(); // a block as often as it is held
    private final Map<Integer, Integer> used = new HashMap<>();
    private final Set<Integer> indexed = new TreeSet<>();
    private long evictions;
    private long copies;
    private int entries;

    static LongStream seeds() {
        return LongStream.rangeClosed(1, SEEDS);
    }

    @ParameterizedTest(name = "seed={0}")
    @MethodSource("seeds")
    void randomOperations_agreeWithTwin(long chosen) {
        seed = chosen;
        random = new Random(seed);
        boolean small = seed % 2 == 0;
        blocks = small ? 1 + random.nextInt(10) : 11 + random.nextInt(150);
        blockSize = 1 + random.nextInt(20);
        index = new PrefixIndex(blocks, blockSize);
        pool = new BlockPool(blocks, blockSize, index);
        for (int block = 0; block < blocks; block++) {
            free.addLast(block);
        }
        for (int i = 0; i < OPERATIONS; i++) {
            operation = i;
            operate();
            assertEquals(free.size(), pool.free(), where);
            assertEquals(cached.size(), pool.cached(), where);
            assertEquals(evictions, pool.evictions(), where);
            assertEquals(copies, pool.copies(), where);
            if (small || i % 32 == 0) {
                compareAll();
                pool.checkInvariants();
            }
        }
    }

    private void operate() {
        switch (random.nextInt(10)) {
            case 0, 1 -> allocate();
            case 2, 3, 4 -> release();
            case 5 -> retain();
            case 6 -> copy();
            case 7 -> fill();
            case 8 -> keep();
            default -> forget();
        }
    }

    private void allocate() {
        int count = random.nextInt(1 + Math.min(8, blocks + 2));
        int offset = random.nextInt(3);
        int[] taken = new int[offset + count];
        int waiting = free.size() + cached.size();
        assertEquals(Math.max(0, count - waiting), pool.allocate(count, taken, offset), where);
        for (int i = 0; i < count && count <= waiting; i++) {
            assertEquals(take(), taken[offset + i], where);
        }
    }

    private int take() {
        int block;
        if (free.isEmpty()) {
            block = cached.removeFirst();
            indexed.remove(block);
            used.remove(block);
            evictions++;
        } else {
            block = free.removeFirst();
        }
        references.add(block);
        return block;
    }

    private void release() {
        if (references.isEmpty()) {
            return;
        }
        int block = references.remove(random.nextInt(references.size()));
        pool.release(block);
        if (references.contains(block)) {
            return;
        }
        if (indexed.contains(block)) {
            cached.addLast(block);
        } else {
            free.addFirst(block);
            used.remove(block);
        }
    }

    private void retain() {
        List<Integer> sharable = new ArrayList<>(new TreeSet<>(references));
        sharable.addAll(cached);
        if (sharable.isEmpty() || references.size() > 3 * blocks) {
            return;
        }
        int block = sharable.get(random.nextInt(sharable.size()));
        pool.retain(block);
        cached.remove(block);
        references.add(block);
    }

    private void copy() {
        if (references.isEmpty() || free.isEmpty() && cached.isEmpty()) {
            return;
        }
        int source = references.get(random.nextInt(references.size()));
        int copy = take();
        assertEquals(copy, pool.copy(source), where);
        used.put(copy, used.getOrDefault(source, 0));
        copies++;
    }

    private void fill() {
        if (references.isEmpty()) {
            return;
        }
        int block = references.get(random.nextInt(references.size()));
        if (!indexed.contains(block)) {
            int tokens = random.nextInt(blockSize + 1);
            pool.fill(block, tokens);
            used.put(block, tokens);
        }
    }

    /// A held block becomes one that the index knows.
    private void keep() {
        if (references.isEmpty()) {
            return;
        }
        int block = references.get(random.nextInt(references.size()));
        if (indexed.add(block)) {
            pool.fill(block, blockSize);
            used.put(block, blockSize);
            int[] token = new int[blockSize];
            token[0] = ++entries;
            index.add(block, entries, PrefixIndex.ROOT, token, 0, "", false);
        }
    }

    private void forget() {
        if (random.nextInt(4) > 0 || references.isEmpty()) {
            return;
        }
        int block = references.get(random.nextInt(references.size()));
        if (indexed.remove(block)) {
            index.remove(block);
        }
    }

    private void compareAll() {
        int[] held = new int[blocks];
        references.forEach(block -> held[block]++);
        int inUse = 0;
        int shared = 0;
        long tokens = 0;
        for (int block = 0; block < blocks; block++) {
            assertEquals(held[block], pool.refCount(block), where);
            assertEquals(used.getOrDefault(block, 0), pool.used(block), where);
            assertEquals(indexed.contains(block), index.contains(block), where);
            inUse += held[block] > 0 ? 1 : 0;
            shared += held[block] > 1 ? 1 : 0;
            tokens += held[block] > 0 ? used.getOrDefault(block, 0) : 0;
        }
        assertEquals(inUse, pool.inUse(), where);
        assertEquals(blocks - inUse, pool.available(), where);
        assertEquals(shared, pool.shared(), where);
        assertEquals(references.size() - inUse, pool.saved(), where);
        assertEquals(tokens, pool.tokensInUse(), where);
        assertEquals(indexed.size(), index.size(), where);
    }
}
