package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.quire.format.ModelMetadata;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BytePairEncoderTest {
    private final ModelMetadata metadata = VocabularyFile.tiny();
    private final ByteAlphabet alphabet = new ByteAlphabet();
    private final Vocabulary vocabulary = Vocabulary.from(metadata, Vocabulary.byteLevel(alphabet));
    private final Map<String, Integer> ids = vocabulary.ids(metadata.file());
    private final BytePairEncoder encoder =
            new BytePairEncoder(MergeTable.from(metadata, ids), alphabet, ids, Optional.empty(), metadata.file());
    private final List<String> merges = List.of(metadata.strings(MergeTable.MERGES));

    /// Both ways of merging, the cache and a naive twin agree, on lengths around every limit.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomPieces_agreeWithNaiveMerging(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            byte[] piece = piece(random, 1 + random.nextInt(random.nextBoolean() ? 12 : 150));
            int[] expected = naive(piece);
            int[] symbols = new int[piece.length];
            for (int i = 0; i < piece.length; i++) {
                symbols[i] = ids.get(String.valueOf((char) piece[i]));
            }
            int[] scanned = symbols.clone();
            assertArrayEquals(expected, Arrays.copyOf(scanned, encoder.mergeByScan(scanned, scanned.length)));
            int[] heaped = symbols.clone();
            assertArrayEquals(expected, Arrays.copyOf(heaped, encoder.mergeByHeap(heaped, heaped.length)));
            for (int repeat = 0; repeat < 2; repeat++) { // the second time from the cache
                var tokens = new TokenBuffer(0);
                encoder.encode(piece, 0, piece.length, tokens);
                assertArrayEquals(expected, tokens.toArray());
            }
        }
    }

    /// Letters of the training texts' words, so that long merges happen.
    private static byte[] piece(Random random, int length) {
        String[] parts = {"men", "schen", "re", "tion", "ing", "th", "e", "s", "ion", "q", "rights", "aaaa"};
        var text = new StringBuilder();
        while (text.length() < length) {
            text.append(parts[random.nextInt(parts.length)]);
        }
        return text.substring(0, length).getBytes(StandardCharsets.US_ASCII);
    }

    /// The definition: take the first merge in the list that applies, at its leftmost place, and begin again.
    private int[] naive(byte[] piece) {
        var names = new ArrayList<String>();
        for (byte value : piece) {
            names.add(String.valueOf((char) value));
        }
        for (boolean merged = true; merged; ) {
            int best = -1;
            int rank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < names.size(); i++) {
                int found = merges.indexOf(names.get(i) + " " + names.get(i + 1));
                if (found >= 0 && found < rank) {
                    best = i;
                    rank = found;
                }
            }
            merged = best >= 0;
            if (merged) {
                names.set(best, names.get(best) + names.remove(best + 1));
            }
        }
        return names.stream().mapToInt(ids::get).toArray();
    }
}
