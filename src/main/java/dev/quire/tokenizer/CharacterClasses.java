package dev.quire.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// Numbers code points so that two have the same number exactly if a pattern's sets cannot tell them apart. An
/// automaton over these few classes is small, and one look-up leads from a code point to its class.
///
/// Which classes there are follows from the sets' intervals and the general categories; which code point is in which
/// is worked out for blocks of 256 when the first of them is met. Thread-safe: a block is published whole, and two
/// threads that make the same one make it equal.
final class CharacterClasses {
    private static final int BLOCK_BITS = 8;
    private static final int BLOCK = 1 << BLOCK_BITS;
    private static final int MOST = 255;

    /// Intervals up to this length are looked through for the categories that occur; in longer ones all may.
    private static final int SHORT_INTERVAL = 512;

    private final int[] starts; // of intervals in which every set is one mask of categories
    private final short[] classes; // [intervals, CATEGORIES]; -1 where nothing has the category
    private final List<BitSet> members = new ArrayList<>(); // of each class: the sets it belongs to
    private final AtomicReferenceArray<byte[]> blocks = new AtomicReferenceArray<>(CodePointSet.LIMIT >> BLOCK_BITS);

    CharacterClasses(List<CodePointSet> sets) {
        starts = starts(sets);
        classes = new short[starts.length * CodePointSet.CATEGORIES];
        Map<BitSet, Integer> numbers = new LinkedHashMap<>();
        for (int interval = 0; interval < starts.length; interval++) {
            int categories = categories(interval);
            for (int category = 0; category < CodePointSet.CATEGORIES; category++) {
                classes[interval * CodePointSet.CATEGORIES + category] = (short)
                        ((categories >>> category & 1) == 0 ? -1 : number(sets, starts[interval], category, numbers));
            }
        }
    }

    /// How many classes there are: they are 0 … count - 1.
    int count() {
        return members.size();
    }

    /// Whether the code points of this class belong to the set with this index.
    boolean belongs(int characterClass, int set) {
        return members.get(characterClass).get(set);
    }

    int of(int codePoint) {
        byte[] block = blocks.getAcquire(codePoint >> BLOCK_BITS);
        if (block == null) {
            block = block(codePoint & -BLOCK);
            blocks.setRelease(codePoint >> BLOCK_BITS, block);
        }
        return block[codePoint & (BLOCK - 1)] & 0xFF;
    }

    private static int[] starts(List<CodePointSet> sets) {
        var boundaries = new BitSet(CodePointSet.LIMIT);
        boundaries.set(0);
        for (CodePointSet set : sets) {
            for (int start : set.starts()) {
                boundaries.set(start);
            }
        }
        int[] starts = new int[boundaries.cardinality()];
        for (int i = 0, start = 0; i < starts.length; i++) {
            starts[i] = start;
            start = boundaries.nextSetBit(start + 1);
        }
        return starts;
    }

    private int number(List<CodePointSet> sets, int codePoint, int category, Map<BitSet, Integer> numbers) {
        var signature = new BitSet(sets.size());
        for (int set = 0; set < sets.size(); set++) {
            signature.set(set, sets.get(set).contains(codePoint, category));
        }
        Integer known = numbers.get(signature);
        if (known != null) {
            return known;
        }
        if (members.size() == MOST) {
            throw new PatternException("pattern must tell at most " + MOST + " kinds of characters apart");
        }
        numbers.put(signature, members.size());
        members.add(signature);
        return members.size() - 1;
    }

    private int categories(int interval) {
        int end = interval + 1 < starts.length ? starts[interval + 1] : CodePointSet.LIMIT;
        if (end - starts[interval] > SHORT_INTERVAL) {
            return -1;
        }
        int found = 0;
        for (int codePoint = starts[interval]; codePoint < end; codePoint++) {
            found |= 1 << Character.getType(codePoint);
        }
        return found;
    }

    private byte[] block(int first) {
        var block = new byte[BLOCK];
        int interval = 0;
        for (int i = 0; i < BLOCK; i++) {
            int codePoint = first + i;
            while (interval + 1 < starts.length && starts[interval + 1] <= codePoint) {
                interval++;
            }
            block[i] = (byte) classes[interval * CodePointSet.CATEGORIES + Character.getType(codePoint)];
        }
        return block;
    }
}
