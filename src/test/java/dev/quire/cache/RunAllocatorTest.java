package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.RunAllocator.Policy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RunAllocatorTest {
    @Test
    void firstFit_takesTheLowestHole_bestFitTheSmallest() {
        for (Policy policy : List.of(Policy.FIRST_FIT, Policy.BEST_FIT)) {
            var runs = RunAllocator.of(policy, 20);
            assertEquals(0, runs.allocate(5));
            assertEquals(5, runs.allocate(2));
            assertEquals(7, runs.allocate(3));
            assertEquals(10, runs.allocate(2));
            runs.release(0);
            runs.release(7); // holes of 5 at 0, of 3 at 7, of 8 at 12
            assertEquals(policy == Policy.FIRST_FIT ? 0 : 7, runs.allocate(3));
            runs.checkInvariants();
        }
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void runNotToBeHad_changesNothing(Policy policy) {
        var runs = RunAllocator.of(policy, 8);
        int[] first = new int[4];
        for (int i = 0; i < 4; i++) {
            first[i] = runs.allocate(2);
        }
        runs.release(first[0]);
        runs.release(first[2]);
        assertEquals(4, runs.free());
        assertEquals(2, runs.longestFree());
        assertEquals(RunAllocator.NONE, runs.allocate(3)); // external fragmentation
        assertEquals(4, runs.free());
        runs.checkInvariants();
    }

    @Test
    void buddy_roundsUp_splitsAndMergesWithItsOtherHalfOnly() {
        var runs = RunAllocator.of(Policy.BUDDY, 16);
        assertEquals(0, runs.allocate(3));
        assertEquals(4, runs.size(0));
        assertEquals(4, runs.allocate(4));
        assertEquals(8, runs.allocate(4));
        assertEquals(12, runs.allocate(4));
        runs.release(4);
        runs.release(8); // neighbours, but halves of different runs
        assertEquals(8, runs.free());
        assertEquals(4, runs.longestFree());
        runs.release(0);
        assertEquals(8, runs.longestFree());
        runs.checkInvariants();
    }

    /// Holes of 2 and 6, of which best fit would take the smaller one for a block, and buddies any.
    @ParameterizedTest
    @EnumSource(Policy.class)
    void lowestPlace_isTakenWhateverThePolicy(Policy policy) {
        var runs = RunAllocator.of(policy, 16);
        int[] first = new int[8];
        for (int i = 0; i < 8; i++) {
            first[i] = runs.allocate(2);
        }
        Arrays.sort(first);
        for (int gone : new int[] {6, 1, 4, 5}) {
            runs.release(first[gone]); // 2 3, 8 … 13
        }
        assertEquals(8, runs.allocateLowest(4));
        assertEquals(2, runs.allocateLowest(1));
        assertEquals(RunAllocator.NONE, runs.allocateLowest(3));
        assertEquals(12, runs.allocateLowest(2));
        runs.checkInvariants();
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void wrongBlock_isRefused_andNothingChanges(Policy policy) {
        var runs = RunAllocator.of(policy, 10);
        runs.allocate(4);
        for (int block : new int[] {-1, 1, 4, 10}) {
            var e = assertThrows(IllegalArgumentException.class, () -> runs.release(block));
            assertEquals("block must begin a run that is taken: block=" + block + ", blocks=10", e.getMessage());
        }
        runs.release(0);
        assertThrows(IllegalArgumentException.class, () -> runs.release(0));
        var e = assertThrows(IllegalArgumentException.class, () -> runs.allocate(0));
        assertEquals("run must have blocks: count=0", e.getMessage());
        assertEquals(RunAllocator.NONE, runs.allocate(11));
        assertEquals(10, runs.free());
        e = assertThrows(IllegalArgumentException.class, () -> RunAllocator.of(policy, 0));
        assertEquals("blocks must be positive: blocks=0", e.getMessage());
    }

    /// The allocator and an array that says who has which block take the same random operations. Every answer is
    /// worked out from the array: which hole is chosen, what is the longest, and that nothing that could be had is
    /// refused.
    @ParameterizedTest
    @EnumSource(Policy.class)
    void randomOperations_agreeWithModel(Policy policy) {
        for (long seed = 1; seed <= 60; seed++) {
            var random = new Random(seed);
            int blocks = 1 + random.nextInt(90);
            var twin = new Twin(policy, RunAllocator.of(policy, blocks), blocks, "seed=" + seed);
            for (int i = 0; i < 6_000; i++) {
                if (random.nextInt(100) < 55) {
                    twin.allocate(random.nextInt(3) == 0, 1 + random.nextInt(1 + random.nextInt(Math.min(blocks, 20))));
                } else {
                    twin.release(random);
                }
                twin.check();
            }
        }
    }

    private static final class Twin {
        private final Policy policy;
        private final RunAllocator runs;
        private final int[] owner; // first block of the run, or -1
        private final List<Integer> held = new ArrayList<>();
        private final String where;

        Twin(Policy policy, RunAllocator runs, int blocks, String where) {
            this.policy = policy;
            this.runs = runs;
            this.where = where;
            owner = new int[blocks];
            Arrays.fill(owner, -1);
        }

        void allocate(boolean lowest, int count) {
            int size = policy == Policy.BUDDY && count > 1 ? Integer.highestOneBit(count - 1) << 1 : count;
            int expected = lowest ? lowest(size) : policy == Policy.BUDDY ? -1 : hole(size);
            int first = lowest ? runs.allocateLowest(count) : runs.allocate(count);
            if (policy == Policy.BUDDY && !lowest) {
                assertEquals(longest() >= size, first != RunAllocator.NONE, where);
                assertTrue(first == RunAllocator.NONE || first % size == 0, where);
            } else {
                assertEquals(expected, first, where);
            }
            if (first != RunAllocator.NONE) {
                assertEquals(size, runs.size(first), where);
                for (int block = first; block < first + size; block++) {
                    assertEquals(-1, owner[block], where);
                    owner[block] = first;
                }
                held.add(first);
            }
        }

        void release(Random random) {
            if (!held.isEmpty()) {
                int first = held.remove(random.nextInt(held.size()));
                runs.release(first);
                for (int block = first; block < owner.length && owner[block] == first; block++) {
                    owner[block] = -1;
                }
            }
        }

        /// The first block of the hole that first or best fit takes for `size` blocks.
        private int hole(int size) {
            int chosen = RunAllocator.NONE;
            int chosenLength = Integer.MAX_VALUE;
            for (int first = 0; first < owner.length; ) {
                int end = first;
                while (end < owner.length && owner[end] == -1) {
                    end++;
                }
                boolean better = policy == Policy.FIRST_FIT ? chosen == -1 : end - first < chosenLength;
                if (end - first >= size && better) {
                    chosen = first;
                    chosenLength = end - first;
                }
                first = end + 1;
            }
            return chosen;
        }

        /// The first block of the lowest free run of `size` blocks; of buddies, an aligned one.
        private int lowest(int size) {
            int step = policy == Policy.BUDDY ? size : 1;
            for (int first = 0; first + size <= owner.length; first += step) {
                int end = first;
                while (end < first + size && owner[end] == -1) {
                    end++;
                }
                if (end == first + size) {
                    return first;
                }
            }
            return RunAllocator.NONE;
        }

        /// By buddies: the largest aligned run of a power of two that is free; else the longest hole.
        private int longest() {
            int longest = 0;
            for (int size = 1; size <= owner.length; size = policy == Policy.BUDDY ? size * 2 : size + 1) {
                for (int first = 0; first + size <= owner.length; first += policy == Policy.BUDDY ? size : 1) {
                    boolean free = true;
                    for (int block = first; free && block < first + size; block++) {
                        free = owner[block] == -1;
                    }
                    longest = free ? size : longest;
                }
            }
            return longest;
        }

        void check() {
            runs.checkInvariants();
            int free = 0;
            for (int block : owner) {
                free += block == -1 ? 1 : 0;
            }
            assertEquals(free, runs.free(), where);
            if (owner.length < 40) {
                assertEquals(longest(), runs.longestFree(), where);
            }
            assertFalse(held.isEmpty() && runs.free() != owner.length, where);
        }
    }
}
