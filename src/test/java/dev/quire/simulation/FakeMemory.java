package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;

/// What the engine's blocks hold, slot by slot, as the contents of `Twin`. What a block held stays in it when it
/// is given back, as in the real memory, and is wiped when it is taken for something else, so that nobody is right
/// by chance.
final class FakeMemory {
    /// Not written since the block was taken.
    static final long NOTHING = 0;

    /// Written by a sequence that failed.
    static final long GARBAGE = 1;

    private final int blockSize;
    private final long[] content; // [blocks, blockSize]
    private final long[] away; // [slots of the swap space, blockSize]

    FakeMemory(int blocks, int blockSize, int slots) {
        this.blockSize = blockSize;
        content = new long[blocks * blockSize];
        away = new long[slots * blockSize];
    }

    /// A copy to or from the swap space ends; until then its destination holds garbage.
    void move(boolean out, int block, int slot) {
        long[] source = out ? content : away;
        long[] destination = out ? away : content;
        System.arraycopy(
                source, (out ? block : slot) * blockSize, destination, (out ? slot : block) * blockSize, blockSize);
    }

    /// Such a copy begins.
    void moving(boolean out, int block, int slot) {
        int first = (out ? slot : block) * blockSize;
        Arrays.fill(out ? away : content, first, first + blockSize, GARBAGE);
    }

    void copy(int source, int destination) {
        System.arraycopy(content, source * blockSize, content, destination * blockSize, blockSize);
    }

    /// `block` was taken for something new, but for its first `kept` slots.
    void wipe(int block, int kept) {
        Arrays.fill(content, block * blockSize + kept, (block + 1) * blockSize, NOTHING);
    }

    void write(int slot, long value) {
        if (content[slot] != NOTHING) {
            fail("slot must be written once: slot=" + slot + ", block=" + slot / blockSize);
        }
        content[slot] = value;
    }

    /// What a sequence leaves that is not to be trusted.
    void spoil(int slot) {
        content[slot] = GARBAGE;
    }

    long read(int slot) {
        return content[slot];
    }

    /// The first slot of the first `count` of `block` that does not hold what stands in `expected[from …]`, or -1.
    int mismatch(int block, long[] expected, int from, int count) {
        int first = block * blockSize;
        return Arrays.mismatch(content, first, first + count, expected, from, from + count);
    }

    /// Slots of `block` that hold something.
    int written(int block) {
        int written = 0;
        for (int slot = block * blockSize; slot < (block + 1) * blockSize; slot++) {
            written += content[slot] == NOTHING ? 0 : 1;
        }
        return written;
    }
}
