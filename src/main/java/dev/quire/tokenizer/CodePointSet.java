package dev.quire.tokenizer;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// A set of code points as a regular expression's class describes it. Immutable.
///
/// Ranges and general categories in one form: the code points are cut into intervals, and each interval says with one
/// bit per category (`Character.getType`) which of its members belong. `[a-z]` is one interval with every bit,
/// `\p{L}` is the whole range with five bits; union, intersection and complement work on the bits.
final class CodePointSet {
    static final int LIMIT = Character.MAX_CODE_POINT + 1;
    static final int CATEGORIES = 31; // Character.getType is 0 … 30
    static final CodePointSet NONE = new CodePointSet(new int[] {0}, new int[] {0});
    static final CodePointSet ALL = NONE.complement();

    private static final int EVERY_CATEGORY = -1;

    private final int[] starts; // ascending, the first is 0
    private final int[] categories; // parallel to starts

    private CodePointSet(int[] starts, int[] categories) {
        this.starts = starts;
        this.categories = categories;
    }

    /// Code points `first` … `last`.
    static CodePointSet range(int first, int last) {
        if (first > last) {
            throw new IllegalArgumentException("range must not be empty: first=" + first + ", last=" + last);
        }
        var set = new CodePointSet(new int[] {0, first, last + 1}, new int[] {0, EVERY_CATEGORY, 0});
        return set.compact();
    }

    /// Code points of all ranges: first and last, in turn.
    static CodePointSet ranges(int... bounds) {
        var set = NONE;
        for (int i = 0; i < bounds.length; i += 2) {
            set = set.union(range(bounds[i], bounds[i + 1]));
        }
        return set;
    }

    /// Code points of these general categories, one bit each.
    static CodePointSet categories(int bits) {
        return new CodePointSet(new int[] {0}, new int[] {bits});
    }

    /// The code points that `test` takes.
    static CodePointSet matching(IntPredicate test) {
        int[] found = new int[16];
        int count = 1; // the first interval begins at 0 and is empty if 0 is not taken
        boolean inside = false;
        for (int codePoint = 0; codePoint < LIMIT; codePoint++) {
            if (test.test(codePoint) != inside) {
                inside = !inside;
                found = count == found.length ? Arrays.copyOf(found, 2 * count) : found;
                found[count++] = codePoint;
            }
        }
        int[] bits = new int[count];
        for (int i = 1; i < count; i += 2) {
            bits[i] = EVERY_CATEGORY;
        }
        return new CodePointSet(Arrays.copyOf(found, count), bits).compact();
    }

    boolean contains(int codePoint) {
        return contains(codePoint, Character.getType(codePoint));
    }

    /// Whether a code point at this place would belong if it had this category.
    boolean contains(int codePoint, int category) {
        return (bitsAt(codePoint) >>> category & 1) != 0;
    }

    boolean isEmpty() {
        return Arrays.stream(categories).allMatch(bits -> bits == 0);
    }

    /// Where intervals begin.
    int[] starts() {
        return starts.clone();
    }

    CodePointSet complement() {
        int[] inverted = new int[categories.length];
        for (int i = 0; i < inverted.length; i++) {
            inverted[i] = ~categories[i];
        }
        return new CodePointSet(starts, inverted);
    }

    CodePointSet union(CodePointSet other) {
        // De Morgan, so that there is one merging loop
        return complement().intersection(other.complement()).complement();
    }

    CodePointSet intersection(CodePointSet other) {
        int[] merged = new int[starts.length + other.starts.length];
        int[] bits = new int[merged.length];
        int count = 0;
        int mine = 0;
        int theirs = 0;
        for (int start = 0; start < LIMIT; count++) {
            merged[count] = start;
            bits[count] = categories[mine] & other.categories[theirs];
            int myNext = mine + 1 < starts.length ? starts[mine + 1] : LIMIT;
            int theirNext = theirs + 1 < other.starts.length ? other.starts[theirs + 1] : LIMIT;
            start = Math.min(myNext, theirNext);
            mine += myNext == start && myNext < LIMIT ? 1 : 0;
            theirs += theirNext == start && theirNext < LIMIT ? 1 : 0;
        }
        return new CodePointSet(Arrays.copyOf(merged, count), Arrays.copyOf(bits, count)).compact();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CodePointSet set
                && Arrays.equals(starts, set.starts)
                && Arrays.equals(categories, set.categories);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(starts) + Arrays.hashCode(categories);
    }

    private int bitsAt(int codePoint) {
        int place = Arrays.binarySearch(starts, codePoint);
        return categories[place >= 0 ? place : -place - 2];
    }

    /// The same set, no two neighbouring intervals alike and none empty or past the end.
    private CodePointSet compact() {
        int[] keptStarts = new int[starts.length];
        int[] keptBits = new int[starts.length];
        int count = 0;
        for (int i = 0; i < starts.length; i++) {
            int end = i + 1 < starts.length ? starts[i + 1] : LIMIT;
            if (starts[i] < end && (count == 0 || keptBits[count - 1] != categories[i])) {
                keptStarts[count] = starts[i];
                keptBits[count++] = categories[i];
            }
        }
        return new CodePointSet(Arrays.copyOf(keptStarts, count), Arrays.copyOf(keptBits, count));
    }
}
