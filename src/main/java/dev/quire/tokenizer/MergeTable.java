package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The merges of a BPE vocabulary: (left token, right token) → rank, and rank → merged token. Immutable.
///
/// Open addressing with linear probing over primitive arrays, at most half full: a lookup, which encoding does a few
/// times per byte of new text, touches one or two cache lines and allocates nothing.
final class MergeTable {
    static final String MERGES = "tokenizer.ggml.merges";

    /// No merge; larger than every rank, so that a search for the smallest rank needs no special case.
    static final int NO_RANK = Integer.MAX_VALUE;

    private static final long EMPTY = -1; // no pair: ids are not negative

    private final long[] pairs; // left << 32 | right
    private final int[] ranks; // parallel to pairs
    private final int[] merged; // [merges]
    private final int shift;

    private MergeTable(int merges) {
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(merges, 2));
        pairs = new long[1 << bits];
        ranks = new int[1 << bits];
        merged = new int[merges];
        shift = Long.SIZE - bits;
        Arrays.fill(pairs, EMPTY);
    }

    static MergeTable from(ModelMetadata metadata, Map<String, Integer> ids) {
        Path file = metadata.file();
        String[] merges = metadata.strings(MERGES);
        // The table has up to four places a merge and at most 2^30 places in all.
        if (merges.length >= 1 << 28) {
            throw new ModelFileException("merges must be fewer than 2^28: merges=" + merges.length + ", file=" + file);
        }
        var table = new MergeTable(merges.length);
        for (int rank = 0; rank < merges.length; rank++) {
            String merge = merges[rank];
            int space = merge.indexOf(' ');
            if (space <= 0 || space == merge.length() - 1 || merge.indexOf(' ', space + 1) >= 0) {
                throw new ModelFileException("merge must be two names and a space: merge=" + Names.quoted(merge)
                        + ", rank=" + rank + ", file=" + file);
            }
            String left = merge.substring(0, space);
            String right = merge.substring(space + 1);
            Integer leftId = ids.get(left);
            Integer rightId = ids.get(right);
            Integer mergedId = ids.get(left.concat(right));
            if (leftId == null || rightId == null || mergedId == null) {
                String missing = leftId == null ? left : rightId == null ? right : left + right;
                throw new ModelFileException("merge must be of tokens in the vocabulary: merge=" + Names.quoted(merge)
                        + ", missing=" + Names.quoted(missing) + ", rank=" + rank + ", file=" + file);
            }
            if (!table.add(leftId, rightId, rank, mergedId)) {
                throw new ModelFileException(
                        "merges must be distinct: merge=" + Names.quoted(merge) + ", rank=" + rank + ", file=" + file);
            }
        }
        return table;
    }

    /// The merges of a `tokenizer.json`, two names each. Of equal ones the last counts, as in Hugging Face tokenizers.
    static MergeTable of(List<String[]> merges, Map<String, Integer> ids, Path file) {
        var table = new MergeTable(merges.size());
        for (int rank = 0; rank < merges.size(); rank++) {
            String left = merges.get(rank)[0];
            String right = merges.get(rank)[1];
            Integer leftId = ids.get(left);
            Integer rightId = ids.get(right);
            Integer mergedId = ids.get(left.concat(right));
            if (leftId == null || rightId == null || mergedId == null) {
                String missing = leftId == null ? left : rightId == null ? right : left + right;
                throw new ModelFileException(
                        "merge must be of tokens in the vocabulary: merge=" + Names.quoted(left + " " + right)
                                + ", missing=" + Names.quoted(missing) + ", rank=" + rank + ", file=" + file);
            }
            table.put(leftId, rightId, rank, mergedId);
        }
        return table;
    }

    /// The rank of merging the two tokens, the smallest first; {@link #NO_RANK} if they do not merge.
    int rank(int left, int right) {
        long pair = pair(left, right);
        int place = place(pair);
        while (pairs[place] != pair) {
            if (pairs[place] == EMPTY) {
                return NO_RANK;
            }
            place = (place + 1) & (pairs.length - 1);
        }
        return ranks[place];
    }

    /// The token that the merge of this rank makes.
    int merged(int rank) {
        return merged[rank];
    }

    private void put(int left, int right, int rank, int token) {
        if (!add(left, right, rank, token)) {
            long pair = pair(left, right);
            int place = place(pair);
            while (pairs[place] != pair) {
                place = (place + 1) & (pairs.length - 1);
            }
            ranks[place] = rank;
            merged[rank] = token;
        }
    }

    private boolean add(int left, int right, int rank, int token) {
        long pair = pair(left, right);
        int place = place(pair);
        while (pairs[place] != EMPTY) {
            if (pairs[place] == pair) {
                return false;
            }
            place = (place + 1) & (pairs.length - 1);
        }
        pairs[place] = pair;
        ranks[place] = rank;
        merged[rank] = token;
        return true;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    /// Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4): the upper bits of a product with
    /// 2^64 divided by the golden ratio.
    private int place(long pair) {
        return (int) ((pair * 0x9E3779B97F4A7C15L) >>> shift);
    }
}
