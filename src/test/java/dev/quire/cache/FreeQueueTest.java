package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.LinkedList;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FreeQueueTest {
    @Test
    void removeFirst_emptyQueue_isRefused() {
        var e = assertThrows(IllegalStateException.class, () -> new FreeQueue(1).removeFirst());
        assertEquals("free queue must not be empty: size=0", e.getMessage());
    }

    @Test
    void add_blockThatIsInTheQueue_isRefused() {
        var queue = new FreeQueue(2);
        queue.addLast(1);
        var e = assertThrows(IllegalStateException.class, () -> queue.addFirst(1));
        assertEquals("block must not be in the free queue: block=1", e.getMessage());
    }

    @Test
    void remove_blockThatIsNotInTheQueue_isRefused() {
        var e = assertThrows(IllegalStateException.class, () -> new FreeQueue(2).remove(1));
        assertEquals("block must be in the free queue: block=1", e.getMessage());
    }

    /// The queue and two linked lists, one for each end, take the same random operations, unlinking from the middle
    /// included.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomOperations_agreeWithModel(long seed) {
        var random = new Random(seed);
        int blocks = 30;
        var queue = new FreeQueue(blocks);
        var front = new LinkedList<Integer>();
        var end = new LinkedList<Integer>();
        for (int i = 0; i < 50_000; i++) {
            int block = random.nextInt(blocks);
            if (front.contains(block) || end.contains(block)) {
                if (random.nextBoolean()) {
                    queue.remove(block);
                    front.remove((Integer) block);
                    end.remove((Integer) block);
                } else {
                    assertEquals(front.isEmpty() ? end.removeFirst() : front.removeFirst(), queue.removeFirst());
                }
            } else if (random.nextBoolean()) {
                queue.addLast(block);
                end.addLast(block);
            } else if (random.nextBoolean()) {
                queue.addFirst(block);
                front.addFirst(block);
            } else {
                queue.addBehindFront(block);
                front.addLast(block);
            }
            queue.checkInvariants();
            assertEquals(front.size() + end.size(), queue.size());
            assertEquals(longestRun(queue, blocks), queue.longestRun());
        }
    }

    private static int longestRun(FreeQueue queue, int blocks) {
        int longest = 0;
        for (int first = 0; first < blocks; first++) {
            int end = first;
            while (end < blocks && queue.contains(end)) {
                end++;
            }
            longest = Math.max(longest, end - first);
        }
        return longest;
    }
}
