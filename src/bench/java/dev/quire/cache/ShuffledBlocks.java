package dev.quire.cache;

import java.util.Random;

/// Pools whose queue is in no order, as after hours of service.
final class ShuffledBlocks {
    private ShuffledBlocks() {}

    /// 0 … count - 1 in random order.
    static int[] order(int count, Random random) {
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /// Shuffles the queue of `pool`, of which nothing is held, and takes `count` blocks.
    static int[] hold(BlockPool pool, int count) {
        int[] block = new int[pool.blocks()];
        pool.allocate(pool.blocks(), block, 0);
        for (int i : order(pool.blocks(), new Random(1))) {
            pool.release(block[i]);
        }
        int[] held = new int[count];
        pool.allocate(count, held, 0);
        return held;
    }
}
