package dev.quire.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Pool, index and tables once more, of plain collections and as simple as can be: blocks are lists of the tokens
/// written into them, references are counted by looking at every table, the cache is a map whose keys are the whole
/// prefix and the entry before it, and its LRU list a linked hash set.
final class CacheTwin {
    /// One block in the cache: equal to itself alone.
    private static final class Entry {
        private final Key key;
        private final int block;
        private boolean pending;

        Entry(Key key, int block, boolean pending) {
            this.key = key;
            this.block = block;
            this.pending = pending;
        }
    }

    /// `before` is empty for a first block.
    private record Key(List<Entry> before, List<Integer> prefix, String salt) {}

    /// A block to copy.
    record Copy(int source, int destination) {}

    final int blockSize;
    final Deque<Integer> free = new ArrayDeque<>();
    final LinkedHashSet<Integer> cached = new LinkedHashSet<>();
    final List<Table> tables = new ArrayList<>();
    final List<Copy> copies = new ArrayList<>();
    long evictions;
    private final List<List<Integer>> content = new ArrayList<>(); // by block
    private final Map<Key, Entry> byKey = new HashMap<>();
    private final Map<Integer, Entry> byBlock = new HashMap<>();

    CacheTwin(int blocks, int blockSize) {
        this.blockSize = blockSize;
        for (int block = 0; block < blocks; block++) {
            free.addLast(block);
            content.add(new ArrayList<>());
        }
    }

    int references(int block) {
        int count = 0;
        for (Table table : tables) {
            for (int held : table.blocks) {
                count += held == block ? 1 : 0;
            }
        }
        return count;
    }

    int[] references() {
        int[] counts = new int[content.size()];
        tables.forEach(table -> table.blocks.forEach(block -> counts[block]++));
        return counts;
    }

    int used(int block) {
        return content.get(block).size();
    }

    int entries() {
        return byKey.size();
    }

    boolean contains(int block) {
        return byBlock.containsKey(block);
    }

    boolean pending(int block) {
        return contains(block) && byBlock.get(block).pending;
    }

    private int available() {
        return free.size() + cached.size();
    }

    private int take() {
        if (!free.isEmpty()) {
            return free.removeFirst();
        }
        int block = cached.removeFirst();
        remove(byBlock.get(block));
        content.get(block).clear();
        evictions++;
        return block;
    }

    private void remove(Entry entry) {
        byKey.remove(entry.key);
        byBlock.remove(entry.block);
    }

    /// A sequence with a fixed future: `token` has all the tokens that it will ever have.
    final class Table {
        final int[] token;
        final String salt;
        final List<Integer> blocks = new ArrayList<>();
        int length;
        int shared;
        private final List<Entry> chain = new ArrayList<>(); // what each full block has, or equals
        private int computed; // of the chain
        private final Set<Entry> awaited = new HashSet<>(); // found before they were computed

        Table(int[] token, String salt) {
            this.token = token;
            this.salt = salt;
            tables.add(this);
        }

        int written() {
            return Math.max(length, shared);
        }

        private Key key(int index) {
            var prefix = new ArrayList<Integer>();
            for (int i = 0; i < (index + 1) * blockSize; i++) {
                prefix.add(token[i]);
            }
            return new Key(index == 0 ? List.of() : List.of(chain.get(index - 1)), prefix, salt);
        }

        /// How many blocks are missing; 0 if it was done.
        int open(int tokens, int shareable, int spare) {
            for (int i = 0; (i + 1) * blockSize <= Math.min(tokens, shareable); i++) {
                Entry entry = byKey.get(key(i));
                if (entry == null) {
                    break;
                }
                chain.add(entry);
            }
            int needed = (tokens + blockSize - 1) / blockSize;
            long idle =
                    chain.stream().filter(entry -> cached.contains(entry.block)).count();
            int missing = (int) (needed - chain.size() + idle + spare - available());
            if (missing > 0) {
                chain.clear();
                return missing;
            }
            for (Entry entry : chain) {
                cached.remove(entry.block);
                blocks.add(entry.block);
                if (entry.pending) {
                    awaited.add(entry);
                }
            }
            while (blocks.size() < needed) {
                blocks.add(take());
            }
            computed = chain.size();
            shared = computed * blockSize;
            length = shared == tokens && tokens > 0 ? tokens - 1 : shared;
            return 0;
        }

        int reserve(int tokens) {
            int at = written() / blockSize;
            boolean copied =
                    tokens > written() && at < blocks.size() && at >= chain.size() && references(blocks.get(at)) > 1;
            int added = Math.max(0, (tokens + blockSize - 1) / blockSize - blocks.size());
            int missing = added + (copied ? 1 : 0) - available();
            if (missing > 0) {
                return missing;
            }
            if (copied) {
                int source = blocks.get(at);
                int copy = take();
                content.get(copy).addAll(content.get(source));
                copies.add(new Copy(source, copy));
                blocks.set(at, copy);
            }
            for (int i = 0; i < added; i++) {
                blocks.add(take());
            }
            return 0;
        }

        void plan(int tokens) {
            while ((chain.size() + 1) * blockSize <= tokens) {
                link(true);
            }
        }

        private void link(boolean pending) {
            int index = chain.size();
            Key key = key(index);
            Entry entry = byKey.get(key);
            if (entry == null) {
                entry = new Entry(key, blocks.get(index), pending);
                byKey.put(key, entry);
                byBlock.put(entry.block, entry);
            }
            chain.add(entry);
        }

        private boolean owns(int index) {
            return byBlock.get(blocks.get(index)) == chain.get(index);
        }

        void append(int tokens) {
            if (tokens == 0) {
                return;
            }
            for (int position = written(); position < length + tokens; position++) {
                List<Integer> into = content.get(blocks.get(position / blockSize));
                if (into.size() != position % blockSize) {
                    throw new IllegalStateException("block must be written in order: position=" + position);
                }
                into.add(token[position]);
            }
            length += tokens;
            awaited.clear();
            while ((computed + 1) * blockSize <= length) {
                if (computed == chain.size()) {
                    link(false);
                } else if (owns(computed)) {
                    chain.get(computed).pending = false;
                }
                computed++;
            }
        }

        boolean canFork() {
            return computed == chain.size() && blocks.size() <= (written() + blockSize - 1) / blockSize;
        }

        void fork(Table child) {
            child.blocks.addAll(blocks);
            child.chain.addAll(chain);
            child.awaited.addAll(awaited);
            child.length = length;
            child.shared = written();
            child.computed = computed;
        }

        boolean prefixStands() {
            return awaited.isEmpty()
                    || chain.subList(0, shared / blockSize).stream().allMatch(byKey::containsValue);
        }

        void rollBack() {
            unlink(computed);
        }

        void forget() {
            unlink(shared / blockSize);
        }

        private void unlink(int from) {
            while (chain.size() > from) {
                if (owns(chain.size() - 1)) {
                    remove(chain.getLast());
                }
                chain.removeLast();
            }
            computed = Math.min(computed, chain.size());
        }

        void release() {
            rollBack();
            while (!blocks.isEmpty()) {
                int block = blocks.removeLast();
                if (references(block) > 0) {
                    continue;
                }
                if (contains(block)) {
                    cached.addLast(block);
                } else {
                    free.addFirst(block);
                    content.get(block).clear();
                }
            }
            chain.clear();
            awaited.clear();
            computed = 0;
            length = 0;
            shared = 0;
        }
    }
}
