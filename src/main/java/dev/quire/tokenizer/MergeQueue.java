package dev.quire.tokenizer;

/// Candidates of merging one long piece, smallest first: a binary heap over primitive longs (rank << 32 | position).
///
/// Bound: a piece of n symbols offers n - 1 pairs at first, and each of its at most n - 1 merges takes one
/// candidate and offers two, so at most 2n are inside at once. Not thread-safe.
final class MergeQueue {
    private final long[] heap;
    private int size;

    MergeQueue(int symbols) {
        heap = new long[Math.multiplyExact(2, symbols)];
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(int rank, int position) {
        long candidate = (long) rank << 32 | position;
        int place = size++;
        while (place > 0) {
            int parent = (place - 1) >> 1;
            if (heap[parent] <= candidate) {
                break;
            }
            heap[place] = heap[parent];
            place = parent;
        }
        heap[place] = candidate;
    }

    /// Removes the candidate of the smallest rank, of equal ones the leftmost.
    long remove() {
        long smallest = heap[0];
        long last = heap[--size];
        int place = 0;
        for (int child = 1; child < size; child = 2 * place + 1) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (last <= heap[child]) {
                break;
            }
            heap[place] = heap[child];
            place = child;
        }
        heap[place] = last;
        return smallest;
    }
}
