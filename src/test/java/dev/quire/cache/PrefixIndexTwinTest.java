package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A prefix index beside a naive twin: a map whose keys are the parent entry itself, the token list and the salt. It
/// knows no hash and no generation; three quarters of the seeds make most or all hashes collide.
///
/// Small indexes are compared and checked whole after every operation, larger ones after every 64th: O(blocks) each,
/// times the length of a bucket.
class PrefixIndexTwinTest {
    private static final int SEEDS = 24;
    private static final int OPERATIONS = 50_000; // 1.2 million in all
    private static final int REMEMBERED = 60; // entries, dead ones too, that can be a parent
    private static final List<String> SALTS = List.of("", "a", "b");

    /// One entry. Equal to itself alone, as a parent's generation is.
    private static final class Entry {
        private final Key key;
        private final int block;
        private final long generation;
        private final long hash;
        private boolean pending;

        Entry(Key key, int block, long generation, long hash, boolean pending) {
            this.key = key;
            this.block = block;
            this.generation = generation;
            this.hash = hash;
            this.pending = pending;
        }
    }

    /// `parent` is empty for a first block.
    private record Key(List<Entry> parent, List<Integer> tokens, String salt) {
        long parentGeneration() {
            return parent.isEmpty() ? PrefixIndex.ROOT : parent.getFirst().generation;
        }

        long parentHash() {
            return parent.isEmpty() ? BlockHash.root(salt) : parent.getFirst().hash;
        }
    }

    private long seed;
    private int operation;
    private final Supplier<String> where = () -> "seed=" + seed + ", operation=" + operation;

    private Random random;
    private int blocks;
    private int blockSize;
    private int alphabet;
    private PrefixIndex index;
    private long lastGeneration;
    private final Map<Key, Entry> byKey = new HashMap<>();
    private final Map<Integer, Entry> byBlock = new HashMap<>();
    private final List<Entry> remembered = new ArrayList<>();

    static LongStream seeds() {
        return LongStream.rangeClosed(1, SEEDS);
    }

    @ParameterizedTest(name = "seed={0}")
    @MethodSource("seeds")
    void randomOperations_agreeWithTwin(long chosen) {
        seed = chosen;
        random = new Random(seed);
        boolean small = seed % 3 > 0;
        blocks = small ? 1 + random.nextInt(8) : 9 + random.nextInt(100);
        blockSize = 1 + random.nextInt(4);
        alphabet = 1 + random.nextInt(3);
        index = new PrefixIndex(blocks, blockSize, function((int) (seed % 4)));
        for (int i = 0; i < OPERATIONS; i++) {
            operation = i;
            operate();
            assertEquals(byKey.size(), index.size(), where);
            if (small || i % 64 == 0) {
                compareAll();
                index.checkInvariants();
            }
        }
    }

    private static BlockHash.Function function(int which) {
        return switch (which) {
            case 0 -> BlockHash::of;
            case 1 -> (parent, token, from, count) -> BlockHash.of(parent, token, from, count) & 3;
            case 2 -> (parent, token, from, count) -> BlockHash.of(0, token, from, count);
            default -> (parent, token, from, count) -> 7;
        };
    }

    private void operate() {
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> find();
            case 3, 4, 5, 6 -> add();
            case 7 -> compute();
            default -> remove();
        }
    }

    private void find() {
        Key key = key();
        Entry expected = byKey.get(key);
        assertEquals(expected == null ? PrefixIndex.NONE : expected.block, find(key), where);
    }

    private int find(Key key) {
        int from = random.nextInt(3);
        int[] token = tokens(key, from);
        return index.find(index.hash(key.parentHash(), token, from), key.parentGeneration(), token, from, key.salt);
    }

    private void add() {
        int block = random.nextInt(blocks);
        Key key = key();
        if (byBlock.containsKey(block) || byKey.containsKey(key)) {
            return;
        }
        boolean pending = random.nextBoolean();
        int from = random.nextInt(3);
        int[] token = tokens(key, from);
        long hash = index.hash(key.parentHash(), token, from);
        long generation = index.add(block, hash, key.parentGeneration(), token, from, key.salt, pending);
        assertTrue(generation > lastGeneration, where);
        lastGeneration = generation;
        var entry = new Entry(key, block, generation, hash, pending);
        byKey.put(key, entry);
        byBlock.put(block, entry);
        remember(entry);
        assertEquals(block, find(key), where);
    }

    private void remember(Entry entry) {
        if (remembered.size() < REMEMBERED) {
            remembered.add(entry);
        } else {
            remembered.set(random.nextInt(REMEMBERED), entry);
        }
    }

    private void compute() {
        Entry entry = byBlock.get(random.nextInt(blocks));
        if (entry != null) {
            index.computed(entry.block);
            entry.pending = false;
        }
    }

    private void remove() {
        Entry entry = byBlock.remove(random.nextInt(blocks));
        if (entry != null) {
            index.remove(entry.block);
            byKey.remove(entry.key);
        }
    }

    /// A key after a random entry, dead ones too, or after none.
    private Key key() {
        boolean first = remembered.isEmpty() || random.nextInt(3) == 0;
        List<Entry> parent = first ? List.of() : List.of(remembered.get(random.nextInt(remembered.size())));
        List<Integer> tokens = IntStream.range(0, blockSize)
                .map(i -> random.nextInt(alphabet))
                .boxed()
                .toList();
        return new Key(parent, tokens, SALTS.get(random.nextInt(SALTS.size())));
    }

    /// The tokens of `key`, among others, from `from` on.
    private int[] tokens(Key key, int from) {
        int[] token = new int[from + blockSize + 1];
        for (int i = 0; i < token.length; i++) {
            boolean within = i >= from && i < from + blockSize;
            token[i] = within ? key.tokens.get(i - from) : random.nextInt(alphabet);
        }
        return token;
    }

    private void compareAll() {
        for (int block = 0; block < blocks; block++) {
            Entry entry = byBlock.get(block);
            assertEquals(entry != null, index.contains(block), where);
            assertEquals(entry != null && entry.pending, index.pending(block), where);
            assertEquals(entry == null ? 0 : entry.generation, index.generation(block), where);
        }
        for (Entry entry : byKey.values()) {
            assertEquals(entry.block, find(entry.key), where);
        }
    }
}
