package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SentencePieceEncoderTest {
    private static final Path FILE = Path.of("m.gguf");
    private static final int UNKNOWN = 0;
    private static final List<String> CHARACTERS = List.of("a", "b", "▁", "é", "中", "🙂", "x");

    /// Random vocabularies with many equal scores, tokens that cross words and characters that are missing: cutting,
    /// heap and cache give what the definition gives.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void randomVocabularies_equalTheDefinition(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            List<String> names = randomNames(random);
            double[] scores =
                    names.stream().mapToDouble(_ -> -random.nextInt(6)).toArray();
            boolean fuses = random.nextBoolean();
            SentencePieceEncoder encoder = encoder(names, scores, fuses);
            for (int text = 0; text < 30; text++) {
                String drawn = randomText(random, 1 + random.nextInt(40));
                assertArrayEquals(naive(drawn, names, scores, fuses), encode(encoder, drawn), () -> drawn + names);
            }
        }
    }

    @Test
    void encode_manyTimesOneLetter_mergesFromTheLeft() {
        SentencePieceEncoder encoder = encoder(List.of("<unk>", "a", "aa", "aaaa"), new double[] {0, -3, -1, -2}, true);
        int[] tokens = encode(encoder, "a".repeat(100_003));
        assertEquals(25_002, tokens.length);
        assertArrayEquals(new int[] {3, 3, 2, 1}, Arrays.copyOfRange(tokens, 24_998, 25_002));
    }

    @Test
    void encode_higherScoreFirst_notLongerFirst() {
        SentencePieceEncoder encoder =
                encoder(List.of("<unk>", "a", "b", "c", "ab", "bc"), new double[] {0, 0, 0, 0, -2, -1}, true);
        assertArrayEquals(new int[] {1, 5}, encode(encoder, "abc"));
    }

    @Test
    void encode_partThatIsNoToken_stillMerges() {
        SentencePieceEncoder encoder = encoder(List.of("<unk>", "a", "ab"), new double[] {0, 0, 0}, true);
        assertArrayEquals(new int[] {2, UNKNOWN}, encode(encoder, "abb"));
    }

    private static int[] encode(SentencePieceEncoder encoder, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var tokens = new TokenBuffer(8);
        encoder.encode(bytes, 0, bytes.length, true, tokens);
        return tokens.toArray();
    }

    private static SentencePieceEncoder encoder(List<String> names, double[] scores, boolean fuses) {
        var types = new TokenType[names.size()];
        Arrays.fill(types, TokenType.NORMAL);
        types[UNKNOWN] = TokenType.UNKNOWN;
        Vocabulary vocabulary = Vocabulary.of(names.toArray(String[]::new), types, Vocabulary.sentencePiece(), FILE);
        return new SentencePieceEncoder(
                ScoredPieces.of(vocabulary, scores, FILE),
                CharacterCuts.of(vocabulary),
                new Spacing(Spacing.Prefix.NEVER, false),
                false,
                new SentencePieceEncoder.Unknown(SentencePieceEncoder.byteTokens(vocabulary), UNKNOWN, fuses));
    }

    /// The definition: all symbols, the best pair of all, again and again.
    private static int[] naive(String text, List<String> names, double[] scores, boolean fuses) {
        List<String> symbols = new ArrayList<>();
        text.replace(' ', '▁').codePoints().forEach(c -> symbols.add(Character.toString(c)));
        while (true) {
            int best = -1;
            double bestScore = 0;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int token = names.indexOf(symbols.get(i) + symbols.get(i + 1));
                if (token > 0 && (best < 0 || scores[token] > bestScore)) {
                    best = i;
                    bestScore = scores[token];
                }
            }
            if (best < 0) {
                break;
            }
            symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
        }
        List<Integer> tokens = new ArrayList<>();
        for (String symbol : symbols) {
            int token = Math.max(names.indexOf(symbol), UNKNOWN);
            if (!fuses || token != UNKNOWN || tokens.isEmpty() || tokens.getLast() != UNKNOWN) {
                tokens.add(token);
            }
        }
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static List<String> randomNames(Random random) {
        Set<String> names = new LinkedHashSet<>();
        names.add("<unk>");
        List<String> characters = new ArrayList<>(CHARACTERS);
        Collections.shuffle(characters, random);
        names.addAll(characters.subList(0, 4 + random.nextInt(3)));
        int pieces = random.nextInt(40);
        for (int i = 0; i < pieces; i++) {
            names.add(randomText(random, 2 + random.nextInt(3)).replace(' ', '▁'));
        }
        return List.copyOf(names);
    }

    private static String randomText(Random random, int length) {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(random.nextInt(5) == 0 ? " " : CHARACTERS.get(random.nextInt(CHARACTERS.size())));
        }
        return text.toString();
    }
}
